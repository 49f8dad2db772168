import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { misplaced, StorageError } from "./storage-error.ts";

/** Name of the lock file in a data folder; it holds who uses the folder. */
export const lockFileName = "lock";

/** Names of the sockets in a folder. */
const socketName = /^lock\.[0-9a-f]{8}\.sock$/;
/** What a process answers on its socket. */
const holding = "holds";
const asking = "asks";
/** A process that is stopped does not answer. Milliseconds. */
const answerTimeoutMs = 1_000;

/** Proof that this process alone uses a data folder, until it is released. */
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
  /**
   * Name of a socket in the folder that its holder listens on, or "" if there can be none. It answers as long as the
   * holder lives, also to another container that shares the folder and whose process ids mean nothing here.
   */
  readonly socket: string;
}

/** Longest path of a socket, in bytes, on the systems that we know; beyond it the process id has to do. */
const maxSocketPathBytes = 100;

/**
 * Makes this process the only one to use the folder, which must exist. The lock of a process that is gone is taken over.
 * @throws {StorageError} naming the running process that holds it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockFileName);
  const socket = `${lockFileName}.${randomBytes(4).toString("hex")}.sock`;
  // Whoever connects is told whether this process holds the folder or asks for it.
  let holds = false;
  const server = await listen(join(folder, socket), () => holds);
  const holder: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootId(),
    socket: server === null ? "" : socket,
  };
  const own = JSON.stringify(holder);
  try {
    await takeOver(folder, path, own);
    holds = true;
    await assertAlone(folder, path, own, socket);
  } catch (error) {
    holds = false;
    await stop(server);
    throw error;
  }
  return {
    async release() {
      holds = false;
      if ((await readIfThere(path)) === own) await unlink(path);
      await stop(server);
    },
  };
}

/** A lock file that was removed or damaged does not unlock the folder: its holder still answers on its socket. */
async function assertAlone(folder: string, path: string, own: string, socket: string): Promise<void> {
  const name = await answeringIn(folder, socket);
  if (name === null) return;
  if ((await readIfThere(path)) === own) await unlink(path);
  const problem = `a process that answers on ${name} uses the data folder ${folder}, though its lock file is gone; stop it`;
  throw new StorageError(lockFileName, null, problem);
}

/** The socket in a folder behind which a process says that it holds the folder; null if there is none but `own`. */
async function answeringIn(folder: string, own: string): Promise<string | null> {
  for (const name of await readdir(folder)) {
    if (name !== own && socketName.test(name) && (await holdsBehind(join(folder, name)))) return name;
  }
  return null;
}

/** The running process that uses a folder, in words, or null. Changes nothing. */
export async function holderOf(folder: string): Promise<string | null> {
  const found = await readIfThere(join(folder, lockFileName));
  const holder = found === null ? null : parseHolder(found);
  if (holder !== null && (await lives(folder, holder))) return `process ${holder.pid}`;
  const name = await answeringIn(folder, "");
  return name === null ? null : `a process that answers on ${name}`;
}

async function takeOver(folder: string, path: string, own: string): Promise<void> {
  while (!(await createWhole(path, own))) {
    const found = await readIfThere(path);
    if (found === null) continue;
    const holder = parseHolder(found);
    if (holder !== null && (await lives(folder, holder))) {
      const problem = `process ${holder.pid} uses the data folder ${folder}; stop it, or give this node another folder`;
      throw new StorageError(lockFileName, null, problem);
    }
    await removeStale(path, found);
    if (holder?.socket) await unlink(join(folder, holder.socket)).catch(() => {});
  }
}

/** Appears with its content or not at all: a lock is never seen half-written. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    // A full disk makes the file, and has no room for what belongs into it.
    await writeFile(aside, content, { flag: "wx", mode: 0o600 });
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(aside).catch(() => {});
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

async function lives(folder: string, holder: Holder): Promise<boolean> {
  if (holder.boot !== bootId()) return false;
  if (holder.socket !== "") return answers(join(folder, holder.socket));
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startOf(holder.pid) === holder.started;
}

/** Null where the path is too long for a socket, or the file system has none. */
function listen(path: string, holds: () => boolean): Promise<Server | null> {
  if (process.platform === "win32" || Buffer.byteLength(path) > maxSocketPathBytes) return Promise.resolve(null);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(holds() ? holding : asking);
  });
  server.unref();
  return new Promise((resolve) => {
    server.once("error", () => resolve(null));
    server.listen(path, () => resolve(server));
  });
}

/** Whether a process listens there that has the folder. One that is stopped does not say, and may have it. */
function holdsBehind(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let said = "";
    let isConnected = false;
    socket.setTimeout(answerTimeoutMs, () => socket.destroy());
    socket.once("connect", () => {
      isConnected = true;
    });
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(said === holding || (isConnected && said === "")));
  });
}

/** The kernel accepts for a process that is stopped or busy, and refuses for one that is gone. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

async function stop(server: Server | null): Promise<void> {
  if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    const holder = value as Holder;
    if (typeof holder !== "object" || holder === null || !Number.isSafeInteger(holder.pid)) return null;
    return typeof holder.socket === "string" && !holder.socket.includes("/") ? holder : null;
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
    throw misplaced(lockFileName, error);
  }
}
