import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkHistoryText } from "./check-history-text.ts";
import { HistoryError } from "./history-error.ts";

/** One line of verdicts.tsv: a file, and whether its history is linearizable. */
export interface ExpectedVerdict {
  readonly path: string;
  readonly linearizable: boolean;
}

/** What one file came to. */
export interface FileReport {
  readonly path: string;
  readonly passed: boolean;
  /** Empty for a file that passed. */
  readonly problem: string;
  readonly durationMs: number;
  readonly steps: number;
}

/**
 * Reads the table of verdicts: path, tab, true or false; further columns, blank lines and comments (`#`) are skipped.
 *
 * @throws {HistoryError} when a line has another form, or none is there.
 */
export function readVerdicts(text: string): ExpectedVerdict[] {
  const verdicts: ExpectedVerdict[] = [];
  for (const [at, content] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (content.trim() === "" || content.startsWith("#")) continue;
    const [path = "", word = ""] = content.split("\t").map((cell) => cell.trim());
    const verdict = word.toLowerCase();
    if (path === "" || (verdict !== "true" && verdict !== "false"))
      throw new HistoryError(`verdicts.tsv line ${at + 1}: expected PATH, tab, true or false, got ${content}`);
    verdicts.push({ path, linearizable: verdict === "true" });
  }
  if (verdicts.length === 0) throw new HistoryError("verdicts.tsv names no history");
  return verdicts;
}

/**
 * Judges every file that FOLDER/verdicts.tsv names, one after the other.
 *
 * @throws {HistoryError} when the folder has no verdicts.tsv that can be read.
 */
export async function* runHistories(folder: string, timeLimitMs: number): AsyncGenerator<FileReport> {
  const info = await stat(folder).catch(() => null);
  if (info === null || !info.isDirectory())
    throw new HistoryError(`${folder} is no folder: name one that holds verdicts.tsv`);
  const table = await readFile(join(folder, "verdicts.tsv"), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new HistoryError(`${join(folder, "verdicts.tsv")} cannot be read (${error.code ?? error.message})`);
  });
  for (const expected of readVerdicts(table)) yield await judgeFile(folder, expected, timeLimitMs);
}

async function judgeFile(folder: string, expected: ExpectedVerdict, timeLimitMs: number): Promise<FileReport> {
  const { path, linearizable } = expected;
  const startMs = performance.now();
  const report = (problem: string, steps = 0): FileReport => {
    return { path, passed: problem === "", problem, durationMs: performance.now() - startMs, steps };
  };
  try {
    const text = await readFile(join(folder, path), "utf8");
    const { verdict, steps, explanation } = checkHistoryText(text, { timeLimitMs });
    if (verdict === "unknown")
      return report(`unknown: no answer within ${timeLimitMs / 1000} s, ${steps} steps`, steps);
    if ((verdict === "ok") === linearizable) return report("", steps);
    const said = linearizable ? "illegal, expected linearizable" : "linearizable, expected illegal";
    return report([said, ...explanation].join("\n    "), steps);
  } catch (error) {
    if (error instanceof HistoryError) return report(`cannot be understood: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return report(
      code === "ENOENT" ? "missing: verdicts.tsv names it, but there is no such file" : `unreadable (${code})`,
    );
  }
}
