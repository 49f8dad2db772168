/**
 * Runs every script (`.txt`) below a folder, at any depth, and prints each difference. The last line is `N passed, M failed`, of files.
 * Usage: npm run conformance:raft -- FOLDER [--rewrite]
 * Exit status: 0 all passed; 1 a script differs, or there is none; 2 wrong usage.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { runFolder } from "./run-folder.ts";

const usage = `usage: npm run conformance:raft -- FOLDER [--rewrite]
  FOLDER     every .txt below it is run
  --rewrite  write what the commands really printed into the scripts (for new scripts: read the difference before you commit it)`;

function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function main(args: readonly string[]): void {
  if (args.includes("--help")) {
    console.log(usage);
    return;
  }
  const unknown = args.find((arg) => arg.startsWith("--") && arg !== "--rewrite");
  if (unknown !== undefined) fail(`unknown option ${unknown}`);
  const [given, ...others] = args.filter((arg) => !arg.startsWith("--"));
  if (given === undefined) fail("no folder was given");
  if (others.length > 0) fail(`one folder is needed; ${others.join(" ")} is too much`);
  const folder = resolve(given);
  if (!existsSync(folder)) fail(`there is no folder ${given} (looked for ${folder})`);
  const { passed, failed } = runFolder(folder, args.includes("--rewrite"), console.log);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

main(process.argv.slice(2));
