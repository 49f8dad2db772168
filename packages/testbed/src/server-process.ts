import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

/** A server that listens, as a process of its own. */
export interface ServerProcess {
  readonly url: string;
  /** Sends the signal that ends it; resolves with the exit status, null if the signal is what ended it. */
  stop(): Promise<number | null>;
}

/** A server to start, and how it tells that it listens. */
export interface ServerLaunch {
  /** Its name in errors. */
  readonly name: string;
  readonly program: string;
  readonly flags: readonly string[];
  /** Added to this process's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** The descriptor that it tells on. Default 1, standard output. */
  readonly tellsOn?: 1 | 3;
  /** The address in a line that it tells; undefined: there is none in it. Default: what follows `listening on `. */
  readonly urlIn?: (line: string) => string | undefined;
  /** What ends it. Default SIGTERM. */
  readonly stopSignal?: "SIGTERM" | "SIGKILL";
}

const listeningOn = (line: string) => /^listening on (\S+)/.exec(line)?.[1];

/** Starts a server, and resolves when it listens. It does not outlive this process. */
export async function startServerProcess(launch: ServerLaunch): Promise<ServerProcess> {
  const { name, tellsOn = 1, urlIn = listeningOn, stopSignal = "SIGTERM" } = launch;
  const child = spawn(launch.program, launch.flags, {
    env: { ...process.env, ...launch.environment },
    stdio: tellsOn === 1 ? ["ignore", "pipe", "inherit"] : ["ignore", "inherit", "inherit", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "exit");
  const failed = exited.then(([code, signal]): never => {
    throw new Error(`${name} ended before it listened: ${signal ?? `exit status ${code}`}`);
  });
  failed.catch(() => {});
  const told = child.stdio[tellsOn] as Readable;
  return {
    url: (await Promise.race([readUrl(told, urlIn), failed])) ?? (await failed),
    async stop() {
      process.off("exit", kill);
      child.kill(stopSignal);
      await exited;
      return child.exitCode;
    },
  };
}

/** Starts three nodes, and a server that uses them; ends both when `use` has, whatever it comes to. */
export async function withServer<T>(
  start: (cluster: LocalCluster) => Promise<ServerProcess>,
  use: (cluster: LocalCluster, server: ServerProcess) => Promise<T>,
): Promise<T> {
  const cluster = await startLocalCluster();
  try {
    const server = await start(cluster);
    try {
      return await use(cluster, server);
    } finally {
      await server.stop();
    }
  } finally {
    await cluster.stop();
  }
}

/** Null: it tells nothing more, and so is about to end. */
async function readUrl(told: Readable, urlIn: (line: string) => string | undefined): Promise<string | null> {
  let url: string | undefined;
  for await (const line of createInterface({ input: told })) {
    url = urlIn(line);
    if (url !== undefined) break;
  }
  // What it writes later is nobody's, and must not fill the pipe.
  told.resume();
  return url ?? null;
}
