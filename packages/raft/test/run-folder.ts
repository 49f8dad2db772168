import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { runScript } from "../src/testing/run-script.ts";

/** How the scripts of a folder went, in files. */
export interface FolderResult {
  readonly passed: number;
  readonly failed: number;
}

function scriptsBelow(folder: string): readonly string[] {
  if (statSync(folder).isFile()) return [folder];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".txt"))
    .map((name) => resolve(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/**
 * Runs every `.txt` below `folder`, at any depth, and prints each difference; with `rewrite`, what the commands really printed goes
 * into the files instead.
 */
export function runFolder(folder: string, rewrite: boolean, print: (line: string) => void): FolderResult {
  const files = scriptsBelow(folder);
  if (files.length === 0) print(`no .txt file below ${folder}`);
  const results = files.map((file) => runFile(file, relative(folder, file) || file, rewrite, print));
  const passed = results.filter((hasPassed) => hasPassed).length;
  const failed = files.length - passed;
  print(`${passed} passed, ${failed} failed`);
  return { passed, failed };
}

function runFile(file: string, name: string, rewrite: boolean, print: (line: string) => void): boolean {
  const result = runScript(readFileSync(file, "utf8"));
  const { length } = result.differences;
  if (length === 0) return true;
  if (rewrite && result.rewritten !== null) {
    writeFileSync(file, result.rewritten);
    print(`${name}: ${length} outputs rewritten`);
    return true;
  }
  for (const { line, command, expected, actual } of result.differences) {
    print(`${name}:${line} ${command}\n--- expected\n${expected}\n--- actual\n${actual}\n`);
  }
  print(`${name}: ${length} of ${result.commands} commands differ\n`);
  return false;
}
