import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { inRepository } from "./repository.ts";
import { runCommand } from "./run-command.ts";

const protoFolder = inRepository("packages", "proto");
const generatedFolder = path.join("src", "gen");

/** What generating came to: why it failed, or which files differ from (or replaced) the committed ones. */
export interface Generated {
  readonly failure: string | null;
  readonly differences: readonly string[];
}

function readTree(folder: string): ReadonlyMap<string, string> {
  if (!fs.existsSync(folder)) return new Map();
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file).replaceAll(path.sep, "/"), fs.readFileSync(file, "utf8")];
    }),
  );
}

/** Names of the files that are not the same in both trees, with what is wrong about each. */
export function compareTrees(
  committed: ReadonlyMap<string, string>,
  fresh: ReadonlyMap<string, string>,
): readonly string[] {
  const names = [...new Set([...committed.keys(), ...fresh.keys()])].sort();
  return names.flatMap((name) => {
    if (!committed.has(name)) return [`${name} is missing`];
    if (!fresh.has(name)) return [`${name} is left over`];
    return committed.get(name) === fresh.get(name) ? [] : [`${name} differs`];
  });
}

/** Generates the wire code into a temporary folder, compares it with the committed code and, if asked to, replaces that. */
export async function generateCode({ write }: { readonly write: boolean }): Promise<Generated> {
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-generate-"));
  try {
    const { failure } = await runCommand("buf", ["generate", "--output", temporary], {
      cwd: protoFolder,
      timeoutMs: 60_000,
    });
    if (failure !== null) return { failure, differences: [] };
    const fresh = path.join(temporary, generatedFolder);
    const committed = path.join(protoFolder, generatedFolder);
    const differences = compareTrees(readTree(committed), readTree(fresh));
    if (write && differences.length > 0) {
      fs.rmSync(committed, { recursive: true, force: true });
      fs.cpSync(fresh, committed, { recursive: true });
    }
    return { failure: null, differences };
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { failure, differences } = await generateCode({ write: true });
  if (failure !== null) console.error(`generate: ${failure}`);
  else
    console.log(
      differences.length === 0 ? "generate: nothing changed" : `generate: replaced, since ${differences.join(", ")}`,
    );
  process.exitCode = failure === null ? 0 : 1;
}
