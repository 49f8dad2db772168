import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { AbsentSystem } from "../system.ts";
import { goFailure } from "./go-failure.ts";

const run = promisify(execFile);

const timeoutMinutes = 15;

/** A command of a Go module. */
export interface GoCommand {
  /** The path of its package. */
  readonly path: string;
  readonly version: string;
}

/**
 * The program of a Go command, built by `go install` once for each version, in the user's cache.
 * @throws {AbsentSystem} where there is no Go, or no such module.
 */
export async function goProgram({ path, version }: GoCommand): Promise<string> {
  const folder = join(homedir(), ".cache", "quorumguard-bench", `${path.replaceAll("/", "+")}@${version}`);
  const program = join(folder, basename(path));
  const isBuilt = await access(program).then(
    () => true,
    () => false,
  );
  if (isBuilt) return program;
  await mkdir(folder, { recursive: true });
  try {
    await run("go", ["install", `${path}@${version}`], {
      env: { ...process.env, GOBIN: folder, PATH: `${process.env.PATH}:/usr/local/go/bin` },
      timeout: timeoutMinutes * 60_000,
    });
  } catch (error) {
    throw new AbsentSystem(`go install ${path}@${version}: ${reasonOf(error)}`, { cause: error });
  }
  return program;
}

function reasonOf(error: unknown): string {
  const {
    code,
    killed,
    stderr = "",
  } = error as { readonly code?: unknown; readonly killed?: boolean; readonly stderr?: string };
  if (code === "ENOENT") return "there is no go on this machine";
  return killed === true ? `it took longer than ${timeoutMinutes} minutes` : goFailure(stderr);
}
