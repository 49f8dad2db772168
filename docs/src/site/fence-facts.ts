import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { repositoryRoot } from "./folders.ts";

/** What the commands of a page may use. */
export interface FenceFacts {
  /** Names of the scripts of the repository's package.json. */
  readonly npmScripts: readonly string[];
  /** What `npm run example` lists. */
  readonly examples: readonly string[];
  /** What a script says to `--help`, or an example as `example NAME`; null if it takes no flags. */
  helpOf(program: string): string | null;
  /** Whether there is such a file in the repository, by its path from the root or from the page's folder. */
  isFile(file: string, folder: string): boolean;
}

/** The scripts that take flags, and what runs them; `quorumguard` has a check of its own. */
const programs: Readonly<Record<string, string>> = {
  start: "scripts/demo/main.ts",
  test: "scripts/test.ts",
  sim: "packages/sim/src/cli.ts",
  mutants: "packages/sim/src/mutants-cli.ts",
  nemesis: "packages/nemesis/src/main.ts",
  failover: "packages/nemesis/src/failover-main.ts",
  exactness: "packages/exactness/src/main.ts",
  "conformance:raft": "packages/raft/test/conformance.ts",
  "conformance:histories": "packages/audit/src/cli.ts",
  bench: "bench/src/main.ts",
  "bench:guard": "bench/src/guard-main.ts",
  runtimes: "packages/runtimes/src/main.ts",
  "test:browser": "packages/browsers/src/main.ts",
  example: "scripts/example.ts",
  pack: "scripts/pack.ts",
  release: "scripts/release.ts",
};

/** Reads the facts from the programs themselves, each asked once and only if a page calls it. */
export function readFenceFacts(): FenceFacts {
  const { scripts } = JSON.parse(readFileSync(path.join(repositoryRoot, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const helps = new Map<string, string>();
  const helpOf = (program: string): string | null => {
    const [script = "", ...example] = program.split(" ");
    const file = programs[script];
    if (file === undefined) return null;
    // The steps' names are a list of their own.
    const questions = program === "test" ? ["--help", "--list"] : ["--help"];
    const help = helps.get(program) ?? questions.map((flag) => say(file, [...example, flag])).join("\n");
    helps.set(program, help);
    return help;
  };
  const listed = [...helpOf("example")!.matchAll(/^ {2}([a-z][a-z0-9-]*) /gm)];
  return {
    npmScripts: Object.keys(scripts),
    examples: listed.map(([, name = ""]) => name),
    helpOf,
    isFile: (file, folder) => [".", folder].some((from) => existsSync(path.join(repositoryRoot, from, file))),
  };
}

function say(file: string, flags: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=quorumguard-source", path.join(repositoryRoot, file), ...flags],
    { encoding: "utf8", timeout: 30_000 },
  );
  if (status !== 0) throw new Error(`${file} ${flags.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}
