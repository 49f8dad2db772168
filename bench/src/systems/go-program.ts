import { execFile } from "node:child_process";
import { access, mkdir, rm, writeFile } from "node:fs/promises";
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
  /** Its module's lines of a `go.sum`: it is what it was, also where the checksum database has no answer. */
  readonly sums: readonly string[];
}

/**
 * The program of a Go command, built once for each version, in the user's cache, by a module that requires it: `go install` asks for
 * more than some proxies give.
 * @throws {AbsentSystem} where there is no Go, or no such module.
 */
export async function goProgram({ path, version, sums }: GoCommand): Promise<string> {
  const folder = join(homedir(), ".cache", "quorumguard-bench", `${path.replaceAll("/", "+")}@${version}`);
  const program = join(folder, basename(path));
  const isBuilt = await access(program).then(
    () => true,
    () => false,
  );
  if (isBuilt) return program;
  // What an attempt that failed has left.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const go = (...args: readonly string[]) =>
    run("go", args, {
      cwd: folder,
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/go/bin` },
      timeout: timeoutMinutes * 60_000,
      maxBuffer: 16 << 20,
    });
  try {
    await go("mod", "init", "quorumguard-bench");
    await writeFile(join(folder, "go.sum"), sums.map((line) => `${line}\n`).join(""));
    await go("get", `${path}@${version}`);
    await go("build", "-o", program, path);
  } catch (error) {
    throw new AbsentSystem(`go get ${path}@${version}: ${reasonOf(error)}`, { cause: error });
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
