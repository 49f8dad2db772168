import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "@quorumguard/testbed";
import { build } from "esbuild";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

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

/** Starts workerd with the worker in it, on a free port, with these HTTP ports of nodes; resolves when it listens. */
export async function startWorker(httpUrls: readonly string[]): Promise<ServerProcess> {
  await bundle();
  return startServerProcess({
    name: "workerd",
    program: here("node_modules/workerd/bin/workerd"),
    flags: ["serve", here("workerd.capnp"), "--socket-addr=http=127.0.0.1:0", "--control-fd=3"],
    environment: { QUORUMGUARD_ENDPOINTS: httpUrls.join(",") },
    tellsOn: 3,
    urlIn: listening,
    stopSignal: "SIGKILL",
  });
}

/** workerd tells on its control descriptor, as lines of JSON, which ports it got. */
function listening(line: string): string | undefined {
  const { event, port } = JSON.parse(line) as { event?: string; port?: number };
  return event === "listen" && port !== undefined ? `http://127.0.0.1:${port}` : undefined;
}
