import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { runScript } from "../src/testing/run-script.ts";
import { type FoundScript, findScripts, reasonOf } from "./find-scripts.ts";

/** How the scripts of a folder went, in files. */
export interface FolderResult {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Runs every `.txt` below `folder`, at any depth, and prints each difference; with `rewrite`, what the commands really printed goes
 * into the files instead. What cannot be read has failed.
 */
export function runFolder(folder: string, rewrite: boolean, print: (line: string) => void): FolderResult {
  const scripts = findScripts(folder);
  if (scripts.length === 0) print(`no .txt file below ${folder}`);
  const results = scripts.map((script) => runFound(script, relative(folder, script.path), rewrite, print));
  const passed = results.filter((hasPassed) => hasPassed).length;
  const failed = scripts.length - passed;
  print(`${passed} passed, ${failed} failed`);
  return { passed, failed };
}

function runFound(script: FoundScript, name: string, rewrite: boolean, print: (line: string) => void): boolean {
  const { path, unreadable } = script;
  const shown = name === "" ? path : name;
  if (unreadable === null) {
    try {
      return runFile(path, shown, rewrite, print);
    } catch (error) {
      print(`${shown}: ${reasonOf(error)}\n`);
      return false;
    }
  }
  print(`${shown}: ${unreadable}\n`);
  return false;
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
