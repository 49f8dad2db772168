import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The state of the sources that a result was measured on. */
export interface MeasuredCommit {
  /** The short name of the commit; "unknown" without git. */
  readonly commit: string;
  /** Whether files differed from it, results of benchmarks aside; null: unknown. */
  readonly dirty: boolean | null;
}

/** What is checked out in a folder, if that is where a repository begins: what lies around an unpacked archive is not its commit. */
export async function readCommit(folder: string): Promise<MeasuredCommit> {
  const git = async (...flags: readonly string[]) => {
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder), GIT_OPTIONAL_LOCKS: "0" };
    return (await run("git", flags, { cwd: folder, env })).stdout.trim();
  };
  try {
    const commit = await git("rev-parse", "--short=8", "HEAD");
    const changes = await git("status", "--porcelain", "--", ".", ":(exclude)bench/results");
    return { commit, dirty: changes !== "" };
  } catch {
    return { commit: "unknown", dirty: null };
  }
}

/** A commit in words. */
export function commitWords({ commit, dirty }: MeasuredCommit): string {
  return dirty === true ? `${commit}, and changes that were not committed` : commit;
}
