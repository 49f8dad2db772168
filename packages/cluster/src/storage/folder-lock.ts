import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "./storage-error.ts";

/** Name of the lock file in a data folder. */
export const lockFileName = "lock";

/** Held while a process uses a data folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Who holds a folder: a process id alone is reused, by other processes and after every start of a container. */
interface Holder {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's, or "" where the system does not tell. */
  readonly started: string;
  /** Differs after every start of the machine, or "" where the system does not tell. */
  readonly boot: string;
}

/**
 * Makes this process the only one to use the folder, which must exist. The lock of a process that is gone is taken over.
 * @throws {StorageError} naming the running process that holds it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockFileName);
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid), boot: bootId() } satisfies Holder);
  for (;;) {
    if (await createWhole(path, own)) return { release: () => release(path, own) };
    const found = await readIfThere(path);
    if (found === null) continue;
    const holder = parseHolder(found);
    if (holder !== null && lives(holder)) {
      const problem = `process ${holder.pid} uses the data folder ${folder}; stop it, or give this node another folder`;
      throw new StorageError(lockFileName, null, problem);
    }
    await removeStale(path, found);
  }
}

/** Appears with its content or not at all: a lock is never seen half-written. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  await writeFile(aside, content, { flag: "wx", mode: 0o600 });
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(aside);
  }
}

/** Two processes may find the same stale lock: what is moved away is removed only if it is still that one. */
async function removeStale(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== content) await link(aside, path).catch(() => {});
  await unlink(aside);
}

async function release(path: string, own: string): Promise<void> {
  if ((await readIfThere(path)) === own) await unlink(path);
}

function lives(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startOf(holder.pid) === holder.started;
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    const holder = value as Holder;
    return typeof holder === "object" && holder !== null && Number.isSafeInteger(holder.pid) ? holder : null;
  } catch {
    return null;
  }
}

/** Field 22 of /proc/<pid>/stat; the second field is in parentheses and may hold spaces. */
function startOf(pid: number): string {
  const stat = readNow(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function bootId(): string {
  return readNow("/proc/sys/kernel/random/boot_id").trim();
}

function readNow(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
