import { createRequire } from "node:module";
import path from "node:path";
import { generatePages } from "../generate/index.ts";
import { fingerprintOfInputs, isFresh, writeStamp } from "./build-stamp.ts";
import { checkLinks } from "./check-links.ts";
import { distFolder, docsFolder, repositoryRoot, snippetsFolder } from "./folders.ts";
import { readPages, snippetsOf } from "./page-sources.ts";
import { runProgram } from "./run-program.ts";

/** Builds the site into docs/dist, and returns in one line what was built. @throws {Error} When anything is broken. */
export async function buildSite(say: (text: string) => void): Promise<string> {
  const startedMs = performance.now();
  const inputs = await fingerprintOfInputs();
  say("writing the generated pages");
  await generatePages();
  say("compiling the snippets, building the pages");
  const checks = await Promise.allSettled([compileSnippets(), runAstro()]);
  const failures = checks.flatMap((check) => (check.status === "rejected" ? [(check.reason as Error).message] : []));
  if (failures.length > 0) throw new Error(failures.join("\n\n"));
  const { pages, links, broken } = await checkLinks(distFolder);
  if (broken.length > 0) throw new Error(`${broken.length} broken links:\n${broken.join("\n")}`);
  await writeStamp(inputs);
  const snippets = snippetsOf(await readPages()).length;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  return `${pages} pages, ${snippets} compiled snippets, ${links} links and none broken, in docs/dist after ${seconds} s`;
}

/** Builds the site unless docs/dist was built from just what is there now. */
export async function buildSiteIfStale(say: (text: string) => void): Promise<void> {
  if (await isFresh()) return;
  say(await buildSite(say));
}

/** The snippets are compiled as an application's own files, against the packages' public names. */
async function compileSnippets(): Promise<void> {
  const compiler = path.join(repositoryRoot, "node_modules", "typescript", "bin", "tsc");
  await runProgram("compiling docs/src/snippets", [compiler, "-p", snippetsFolder, "--noEmit"], repositoryRoot);
}

async function runAstro(): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve("astro/package.json");
  const program = path.join(path.dirname(manifest), "bin", "astro.mjs");
  await runProgram("building the pages", ["--conditions=quorumguard-source", program, "build"], docsFolder);
}
