import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A disk of its own for one node, that can be filled to the last byte and emptied again. */
export interface SmallDisk {
  /** What starts a process that sees the disk at the folder. */
  readonly wrapper: readonly string[];
  /** Where the folder is seen from outside. */
  readonly outside: string;
  /** From now on nothing more fits: the disk is as large as what it holds. */
  fill(): Promise<void>;
  /** There is room again. */
  empty(): Promise<void>;
  close(): void;
}

const roomyBytes = 512 << 20;

/**
 * A file system in memory at `folder`, in a mount namespace of its own that lives as long as this process: nothing is
 * left behind, whatever happens. Rejects, with the reason, where the system does not let us.
 */
export async function openSmallDisk(folder: string): Promise<SmallDisk> {
  // A user that is not root becomes root of a namespace of its own, if the system allows it.
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const mount = `mount -t tmpfs -o size=${roomyBytes},mode=700 tmpfs "$1" && echo ready && exec cat`;
  const holder = spawn("unshare", [...user, "--mount", "--propagation", "private", "sh", "-c", mount, "sh", folder], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  await holds(holder);
  const target = [
    "--target",
    String(holder.pid),
    "--mount",
    ...(user.length > 0 ? ["--user", "--preserve-credentials"] : []),
  ];
  const outside = join(`/proc/${holder.pid}/root`, folder);
  const resize = async (size: string) => {
    // A node that writes meanwhile may need more than was asked for: the system then refuses, and is asked again.
    const attempts = "1 2 3 4 5 6 7 8 9 10";
    const script = `for attempt in ${attempts}; do mount -o "remount,size=${size}" "$1" && exit 0; done; exit 1`;
    const child = spawn("nsenter", [...target, "sh", "-c", script, "sh", folder], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let problem = "";
    child.stderr.on("data", (text) => {
      problem += text;
    });
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`the small disk could not be resized: ${problem}`);
  };
  // The system may let us mount, and yet not let us look or resize.
  await Promise.all([access(outside, constants.W_OK), resize(String(roomyBytes))]).catch((error: unknown) => {
    holder.kill("SIGKILL");
    throw error;
  });
  return {
    wrapper: ["nsenter", ...target, "--"],
    outside,
    // What is used, in 4 KiB blocks, by the file system's own count: the size may not go below it.
    fill: () => resize(`$(df -P -k "$1" | awk 'NR==2 {print $3 + 4}')k`),
    empty: () => resize(String(roomyBytes)),
    close: () => void holder.kill("SIGKILL"),
  };
}

/** Resolves once the file system is mounted. */
async function holds(holder: ChildProcess): Promise<void> {
  let problem = "";
  holder.stderr!.on("data", (text) => {
    problem += text;
  });
  holder.stdin!.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    holder.once("error", reject);
    holder.once("close", (code) => reject(new Error(`no mount namespace (${code}): ${problem.trim()}`)));
    createInterface({ input: holder.stdout! }).once("line", () => resolve());
  });
}
