/**
 * Runs every script (`.txt`) below a folder, at any depth, and prints each difference. The last line is `N passed, M failed`, of files.
 * Usage: npm run conformance:raft -- FOLDER [--rewrite]
 * Exit status: 0 all passed; 1 a script differs, or there is none; 2 wrong usage.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { runScript } from "../src/testing/run-script.ts";

const usage = `usage: npm run conformance:raft -- FOLDER [--rewrite]
  FOLDER     every .txt below it is run
  --rewrite  write what the commands really printed into the scripts (for new scripts: read the difference before you commit it)`;

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function scriptsBelow(folder: string): readonly string[] {
  if (statSync(folder).isFile()) return [folder];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".txt"))
    .map((name) => resolve(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/** @returns whether the script printed what it expects. */
function runFile(file: string, name: string, rewrite: boolean): boolean {
  const result = runScript(readFileSync(file, "utf8"));
  if (result.differences.length === 0) return true;
  if (rewrite && result.rewritten !== null) {
    writeFileSync(file, result.rewritten);
    console.log(`${name}: ${result.differences.length} outputs rewritten`);
    return true;
  }
  for (const { line, command, expected, actual } of result.differences) {
    console.log(`${name}:${line} ${command}\n--- expected\n${expected}\n--- actual\n${actual}\n`);
  }
  console.log(`${name}: ${result.differences.length} of ${result.commands} commands differ\n`);
  return false;
}

function main(args: readonly string[]): void {
  const options = args.filter((arg) => arg.startsWith("--"));
  const [given, ...others] = args.filter((arg) => !arg.startsWith("--"));
  const unknown = options.find((option) => option !== "--rewrite");
  if (unknown !== undefined) fail(`unknown option ${unknown}`);
  if (given === undefined || others.length > 0)
    fail(`one folder is needed, not ${given === undefined ? 0 : args.length}`);
  const folder = resolve(given);
  if (!existsSync(folder)) fail(`there is no folder ${given} (looked for ${folder})`);
  const files = scriptsBelow(folder);
  if (files.length === 0) console.log(`no .txt file below ${folder}`);
  let passed = 0;
  for (const file of files) {
    if (runFile(file, relative(folder, file) || given, options.includes("--rewrite"))) passed++;
  }
  const failed = files.length - passed;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || files.length === 0 ? 1 : 0;
}

main(process.argv.slice(2));
