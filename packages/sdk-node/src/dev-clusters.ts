/**
 * How `createGuard()` and the commands find a `quorumguard dev` whatever ports it took: it writes down where it is, in a folder
 * that only its user writes to. Internal to QuorumGuard: no semver promise.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import process from "node:process";
import { DEFAULT_GRPC_PORT } from "./endpoint.ts";

/** How often a file is touched, in milliseconds, and after how long without that nobody is taken to stand behind it. */
const TOUCH_EVERY_MS = 2_000;
const STALE_AFTER_MS = 10_000;
/** More files than that are none of ours. */
const MAX_FILES = 64;
const MAX_BYTES = 4_096;

/** A cluster as it tells of itself. */
interface DevCluster {
  readonly pid: number;
  readonly startedMs: number;
  readonly endpoints: readonly string[];
}

/** Of this user, on this machine: `/tmp/quorumguard-1000` and the like. */
export function devFolder(): string {
  return path.join(tmpdir(), `quorumguard-${process.getuid?.() ?? userInfo().username}`);
}

/**
 * Writes down where this process's cluster is, until the function that it returns is called. Null: there is no folder to do so in
 * that this user alone writes to, so nobody will find it.
 */
export function announceDevCluster(endpoints: readonly string[], folder = devFolder()): (() => void) | null {
  const file = path.join(folder, `dev-${process.pid}.json`);
  const startedMs = Date.now();
  const cluster: DevCluster = { pid: process.pid, startedMs, endpoints };
  const write = (): void => {
    // Whole or not at all, for whoever reads it meanwhile.
    writeFileSync(`${file}.new`, JSON.stringify(cluster), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) return null;
    // Those of processes that were killed, lest they become more than anybody reads.
    for (const each of filesIn(folder)) if (read(each) === null) rmSync(each, { force: true });
    write();
  } catch {
    return null;
  }
  const timer = setInterval(() => {
    const now = new Date();
    try {
      // A machine that slept may have been taken for one that is gone.
      if (existsSync(file)) utimesSync(file, now, now);
      else write();
    } catch {
      // Nobody finds it then, and nothing else depends on that.
    }
  }, TOUCH_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    rmSync(file, { force: true });
  };
}

/**
 * The endpoints of a cluster that was announced and still runs: of several the one at the default port, else the one that was
 * started last. Null: there is none.
 */
export function devEndpoints(folder?: string): readonly string[] | null {
  const running = runningIn(folder);
  running.sort((a, b) => b.startedMs - a.startedMs);
  const atDefault = running.find(({ endpoints }) => endpoints.includes(`127.0.0.1:${DEFAULT_GRPC_PORT}`));
  return (atDefault ?? running[0])?.endpoints ?? null;
}

function runningIn(given: string | undefined): DevCluster[] {
  try {
    const folder = given ?? devFolder();
    if (!isOurs(folder)) return [];
    return filesIn(folder)
      .slice(0, MAX_FILES)
      .flatMap((file) => read(file) ?? []);
  } catch {
    // There is none, or this process may not look: runtimes with permissions throw for the user's number already.
    return [];
  }
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^dev-\d+\.json$/.test(name));
  return names.map((name) => path.join(folder, name));
}

/** The cluster that the file tells of; null: it is none, or nobody stands behind it any more. */
function read(file: string): DevCluster | null {
  try {
    const { mtimeMs, size } = lstatSync(file);
    if (size > MAX_BYTES || Date.now() - mtimeMs > STALE_AFTER_MS) return null;
    const cluster: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isDevCluster(cluster) && isAlive(cluster.pid) ? cluster : null;
  } catch {
    return null;
  }
}

function isDevCluster(value: unknown): value is DevCluster {
  const { pid, startedMs, endpoints } = (value ?? {}) as Partial<DevCluster>;
  if (!Number.isInteger(pid) || typeof startedMs !== "number" || !Array.isArray(endpoints)) return false;
  // Nothing that such a file says leads off this machine.
  return endpoints.length > 0 && endpoints.every((each) => /^127\.0\.0\.1:\d{1,5}$/.test(each));
}

/** Whether there is such a process, be it another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether nobody else can have put anything there: the folder for what is temporary is everybody's. */
function isOurs(folder: string): boolean {
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) return false;
  const uid = process.getuid?.();
  return uid === undefined || (stats.uid === uid && (stats.mode & 0o022) === 0);
}
