import path from "node:path";
import { parseAllDocuments } from "yaml";
import { shellProblems } from "./check-shell.ts";
import type { FenceFacts } from "./fence-facts.ts";
import { type Fence, fencesOf, type PageSource } from "./page-sources.ts";

/** Shown as they are: nothing can be checked about them, or their own check follows below. */
const languages = new Set(["sh", "text", "json", "yaml", "http", "proto", "nginx", "html", "diff"]);
/** Code that a compiler checks, so it is in a file that the compiler sees. */
const compiled = new Set(["ts", "tsx", "js", "jsx", "mjs", "mts", "cjs", "cts", "typescript", "javascript"]);

/**
 * What is wrong with the fenced blocks of a page that somebody wrote: `PAGE:LINE: what, and what to write instead`. The
 * page's name is its path where its commands name files beside it. `compiledInPlace`: a test of its own compiles the
 * page's code where it stands, as those of the READMEs do.
 */
export function findFenceProblems(
  { name, text }: PageSource,
  facts: FenceFacts,
  { compiledInPlace = false } = {},
): readonly string[] {
  const folder = path.posix.dirname(name);
  return fencesOf(text).flatMap((fence) =>
    problemsOf(fence, facts, folder, compiledInPlace).map((problem) => `${name}:${fence.line}: ${problem}`),
  );
}

function problemsOf(
  { language, code }: Fence,
  facts: FenceFacts,
  folder: string,
  compiledInPlace: boolean,
): readonly string[] {
  if (compiled.has(language)) {
    if (compiledInPlace) return [];
    return [`a ${language} block is not compiled: put it into a file of docs/src/snippets and show it with <Snippet>`];
  }
  if (language === "") return ["the block names no language: write text behind the fence if it has none"];
  if (!languages.has(language)) return [`${language} is none of ${[...languages].join(", ")}`];
  if (language === "json") return jsonProblems(code);
  if (language === "yaml") {
    return parseAllDocuments(code).flatMap((document) =>
      "errors" in document ? document.errors.map(({ message }) => `does not parse as YAML: ${message}`) : [],
    );
  }
  return language === "sh" ? shellProblems(code, facts, folder) : [];
}

/** One document, or one on each line. */
function jsonProblems(code: string): readonly string[] {
  const parts = code.trim();
  const readable = (part: string) => {
    try {
      JSON.parse(part);
      return null;
    } catch (error) {
      return `does not parse as JSON: ${(error as Error).message}`;
    }
  };
  const whole = readable(parts);
  if (whole === null) return [];
  return parts.split("\n").every((line) => readable(line) === null) ? [] : [whole];
}
