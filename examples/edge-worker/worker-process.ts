import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** workerd with the worker in it, on a free port. */
export interface WorkerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Bundles the worker and all that it imports into one module, from the built packages, as an application would. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: [here("worker.ts")],
    outfile: here("dist/worker.mjs"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["import"],
    logLevel: "error",
  });
}

/** Starts workerd on these HTTP ports of nodes, and resolves when it listens. */
export async function startWorker(httpUrls: readonly string[]): Promise<WorkerProcess> {
  await bundle();
  const flags = ["serve", here("workerd.capnp"), "--socket-addr=http=127.0.0.1:0", "--control-fd=3"];
  const child = spawn(here("node_modules/workerd/bin/workerd"), flags, {
    env: { ...process.env, QUORUMGUARD_ENDPOINTS: httpUrls.join(",") },
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "exit");
  const failed = exited.then(([code, signal]) => {
    throw new Error(`workerd ended before it listened: ${signal ?? `exit status ${code}`}`);
  });
  failed.catch(() => {});
  return {
    url: `http://127.0.0.1:${await Promise.race([readPort(child.stdio[3] as Readable), failed])}`,
    async stop() {
      process.off("exit", kill);
      kill();
      await exited;
    },
  };
}

/** workerd tells on its control descriptor, as lines of JSON, which ports it got. */
async function readPort(control: Readable): Promise<number> {
  for await (const line of createInterface({ input: control })) {
    const { event, port } = JSON.parse(line) as { event?: string; port?: number };
    if (event === "listen" && port !== undefined) return port;
  }
  throw new Error("workerd did not say where it listens");
}
