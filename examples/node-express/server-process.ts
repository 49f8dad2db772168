import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** server.ts as a process of its own, on a free port. */
export interface ServerProcess {
  readonly url: string;
  /** SIGTERM; resolves with the exit status. */
  stop(): Promise<number | null>;
}

/** Starts the server against these nodes, and resolves when it listens. */
export async function startServer(endpoints: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("server.ts", import.meta.url))], {
    env: { ...process.env, PORT: "0", QUORUMGUARD_ENDPOINTS: endpoints.join(",") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    url: await readUrl(child),
    async stop() {
      process.off("exit", kill);
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      return child.exitCode;
    },
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  const exited = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the server ended before it listened: ${signal ?? `exit status ${code}`}`);
  });
  exited.catch(() => {});
  const listening = async () => {
    for await (const line of createInterface({ input: child.stdout! })) {
      const url = /^listening on (\S+)/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    return exited;
  };
  return listening();
}
