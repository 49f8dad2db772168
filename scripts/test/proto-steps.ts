import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { generateCode } from "../generate.ts";
import { inRepository } from "../repository.ts";
import { runCommand } from "../run-command.ts";
import { notCheckable, oneCheck, type StepResult } from "./step.ts";

const protoFolder = inRepository("packages", "proto");

/** The wire contract follows buf's STANDARD rules. */
export async function lintProto(): Promise<StepResult> {
  return oneCheck((await runCommand("buf", ["lint"], { cwd: protoFolder, timeoutMs: 300_000 })).failure);
}

/** The committed code is what the `.proto` files generate. */
export async function checkGenerated(): Promise<StepResult> {
  const { failure, differences } = await generateCode({ write: false });
  if (failure !== null) return oneCheck(failure);
  if (differences.length === 0) return oneCheck(null);
  return oneCheck(
    `packages/proto/src/gen is not what the .proto files generate (${differences.join(", ")}); run: npm run generate`,
  );
}

/** Where main is, best first: what was published, then the local branch. */
const mainRefs = ["refs/remotes/origin/main", "refs/heads/main"];

async function git(flags: readonly string[]): Promise<string | null> {
  const { failure, stdout } = await runCommand("git", flags, { timeoutMs: 300_000, capture: true });
  return failure === null ? stdout.trim() : null;
}

/** No client that was built against main's contract breaks. */
export async function checkBreaking(): Promise<StepResult> {
  for (const ref of mainRefs) {
    const commit = await git(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
    if (commit === null || (await git(["cat-file", "-e", `${commit}:packages/proto/proto`])) === null) continue;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-main-"));
    try {
      const archive = path.join(folder, "proto.tar");
      const made = await runCommand("git", ["archive", "-o", archive, commit, "packages/proto"], {
        timeoutMs: 300_000,
      });
      if (made.failure !== null) return oneCheck(made.failure);
      const unpacked = await runCommand("tar", ["-xf", archive, "-C", folder], { timeoutMs: 300_000 });
      if (unpacked.failure !== null) return oneCheck(unpacked.failure);
      const against = path.join(folder, "packages", "proto");
      const result = await runCommand("buf", ["breaking", "--against", against], {
        cwd: protoFolder,
        timeoutMs: 300_000,
      });
      return oneCheck(result.failure === null ? null : `against ${ref} (${commit.slice(0, 12)}): ${result.failure}`);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  const looked = mainRefs.join(" nor ");
  return notCheckable(
    `proto-breaking: neither ${looked} holds packages/proto here; remedy: git fetch origin main:refs/remotes/origin/main`,
  );
}
