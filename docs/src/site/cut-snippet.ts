import { extname } from "node:path";

/** Code to show on a page. */
export interface SnippetCode {
  readonly code: string;
  /** Name of the language, as the highlighter knows it. */
  readonly language: string;
}

const languages: Readonly<Record<string, string>> = {
  ".ts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".json": "json",
  ".sh": "sh",
  ".yaml": "yaml",
  ".yml": "yaml",
  ".proto": "proto",
  ".conf": "nginx",
  ".html": "html",
  ".txt": "txt",
  // A Caddyfile.
  "": "txt",
  // What a program printed.
  ".out": "txt",
};

/** `// #region NAME` or `# #region NAME`, and their ends, alone on a line. */
const marker = /^[ \t]*(?:\/\/|#)[ \t]*#(region|endregion)(?:[ \t]+(\S+))?[ \t]*$/;

/**
 * The part of a file that a page shows: one region, or all of it, without the lines that mark regions.
 *
 * @throws {Error} When the region is missing, opened twice or left open; the message names the file and the region.
 */
export function cutSnippet(file: string, text: string, region?: string): SnippetCode {
  const language = languages[extname(file)];
  if (language === undefined) {
    throw new Error(
      `snippet ${file}: its extension is none of ${Object.keys(languages).join(" ")}; add it to cut-snippet.ts`,
    );
  }
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const shown = region === undefined ? lines : linesOfRegion(file, lines, region);
  const code = dedent(shown.filter((line) => !marker.test(line)));
  if (code === "") throw new Error(`snippet ${file}${region === undefined ? "" : `, region ${region}`}: has no code`);
  return { code, language };
}

function linesOfRegion(file: string, lines: readonly string[], region: string): readonly string[] {
  const marks = lines.flatMap((line, at) => {
    const [, kind, name] = marker.exec(line) ?? [];
    return kind === undefined ? [] : [{ at, kind, name }];
  });
  const starts = marks.filter(({ kind, name }) => kind === "region" && name === region);
  if (starts.length !== 1) {
    const known = marks.flatMap(({ kind, name }) => (kind === "region" && name !== undefined ? [name] : []));
    const found = starts.length === 0 ? "has no" : `opens ${starts.length} times the`;
    throw new Error(`snippet ${file}: ${found} region ${region}; its regions: ${known.join(", ") || "none"}`);
  }
  const start = starts[0]!.at;
  // An end without a name closes the region that was opened last.
  let depth = 0;
  for (const { at, kind, name } of marks) {
    if (at <= start) continue;
    if (kind === "region") depth += 1;
    else if (name === region || (name === undefined && depth === 0)) return lines.slice(start + 1, at);
    else depth -= 1;
  }
  throw new Error(`snippet ${file}: region ${region} has no end; write #endregion ${region}`);
}

/** Without the blank lines around it and the indentation that all its lines share. */
function dedent(lines: readonly string[]): string {
  const text = lines
    .join("\n")
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
  const indents = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => /^[ \t]*/.exec(line)![0].length);
  const shared = Math.min(...indents);
  return text
    .split("\n")
    .map((line) => line.slice(shared))
    .join("\n");
}
