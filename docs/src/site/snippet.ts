/** A piece of a file that tests compile or run, as a page shows it. */
export interface Snippet {
  readonly code: string;
  /** The language, by the file's extension. */
  readonly language: string;
}

const languages: Readonly<Record<string, string>> = { mjs: "js", cjs: "js", yml: "yaml", conf: "nginx" };
const marker = /^\s*(?:\/\/|#|<!--)\s*#(region|endregion)(?:\s+([\w-]+))?\s*(?:-->)?\s*$/;

/**
 * A file of `files`, by its path, whole or one region of it. The lines that mark regions are never shown.
 * @throws {Error} naming the file or the region that is not there.
 */
export function readSnippet(files: Readonly<Record<string, string>>, file: string, region?: string): Snippet {
  const text = files[file];
  if (text === undefined) throw new Error(`snippet ${file}: no such file below docs/src/snippets or examples`);
  const extension = file.split(".").at(-1) ?? "";
  const code = cutRegion(text, region);
  if (code === null) throw new Error(`snippet ${file}: no region ${JSON.stringify(region)} in it`);
  return { code, language: languages[extension] ?? extension };
}

/** The lines of a region without their common indentation; null if there is no such region. */
export function cutRegion(text: string, region?: string): string | null {
  let inside = region === undefined;
  let found = inside;
  const lines: string[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const [, edge, name] = marker.exec(line) ?? [];
    if (edge === undefined) {
      if (inside) lines.push(line);
    } else if (region !== undefined && name === region) {
      inside = edge === "region";
      found = true;
    }
  }
  if (!found) return null;
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(Number.isFinite(indent) ? indent : 0)).join("\n");
}
