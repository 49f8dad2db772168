import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { contentFolder } from "./folders.ts";

/** A page as it was written. */
export interface PageSource {
  /** Below docs/src/content/docs. */
  readonly name: string;
  readonly text: string;
}

/** A fenced block of code. */
export interface Fence {
  /** First word after the fence, or "". */
  readonly language: string;
  readonly code: string;
  /** Of the line that opens it, from 1. */
  readonly line: number;
}

/** A `<Snippet …/>` of a page. */
export interface SnippetUse {
  readonly page: string;
  readonly file: string;
  readonly region: string | undefined;
}

/** All pages below docs/src/content/docs, generated ones included if they are there. */
export async function readPages(folder: string = contentFolder): Promise<readonly PageSource[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && /\.mdx?$/.test(entry.name))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(path.join(folder, name), "utf8") })));
}

/** The fenced blocks of a page, those inside lists and quotes included. */
export function fencesOf(text: string): readonly Fence[] {
  const found: Fence[] = [];
  let open: { indent: string; mark: string; language: string; line: number; code: string[] } | null = null;
  for (const [at, line] of text.split("\n").entries()) {
    const [, indent = "", mark = "", info = ""] = /^([ \t>]*)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === null) {
      if (mark === "" || (mark.startsWith("`") && info.includes("`"))) continue;
      open = { indent, mark, language: /^\s*([^\s{]*)/.exec(info)![1]!, line: at + 1, code: [] };
    } else if (mark.startsWith(open.mark) && info.trim() === "") {
      found.push({ language: open.language, code: open.code.join("\n"), line: open.line });
      open = null;
    } else {
      open.code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open !== null) throw new Error(`line ${open.line}: the fence ${open.mark} is never closed`);
  return found;
}

/** Every use of `<Snippet>`. */
export function snippetsOf(pages: readonly PageSource[]): readonly SnippetUse[] {
  return pages.flatMap(({ name, text }) =>
    [...text.matchAll(/<Snippet\s([^>]*?)\/?>/g)].map(([, attributes = ""]) => ({
      page: name,
      file: attributeOf(attributes, "file") ?? "",
      region: attributeOf(attributes, "region"),
    })),
  );
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1];
}
