import { readFileSync } from "node:fs";
import path from "node:path";
import { cutSnippet, type SnippetCode } from "./cut-snippet.ts";
import { repositoryRoot, snippetsFolder } from "./folders.ts";

/** Where a page's snippet may come from: docs/src/snippets, or the repository's examples and what it deploys. */
export function snippetFile(file: string): string {
  return /^(examples|deploy)\//.test(file) ? path.join(repositoryRoot, file) : path.join(snippetsFolder, file);
}

/**
 * The code that a page shows of a file: `start/server.ts` below docs/src/snippets, or `examples/…` and `deploy/…` from the root.
 *
 * @throws {Error} When there is no such file or region; the message names both.
 */
export function readSnippet(file: string, region?: string): SnippetCode {
  const source = snippetFile(file);
  let text: string;
  try {
    text = readFileSync(source, "utf8");
  } catch (error) {
    const wanted = region === undefined ? "" : `, region ${region}`;
    throw new Error(`snippet ${file}${wanted}: cannot read ${path.relative(repositoryRoot, source)}`, { cause: error });
  }
  return cutSnippet(file, text, region);
}
