import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "@quorumguard/testbed";
import { bundle } from "./bundle.ts";
import type { Cell, CellReport } from "./cell.ts";

const workerd = fileURLToPath(new URL("../node_modules/workerd/bin/workerd", import.meta.url));

/** The worker may reach this machine, which workerd's default network forbids. */
const configuration = (port: number) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = "2026-10-01",
    )),
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;

/** Runs the suite inside a worker: no Node, no timers at module scope, no sockets but fetch. */
export function workerdCell(entry: string, folder: string, endpoints: string): Cell {
  return { sdk: "sdk-web", runtime: "workerd", run: () => runInWorker(entry, folder, endpoints) };
}

async function runInWorker(entry: string, folder: string, endpoints: string): Promise<CellReport> {
  const [port] = await freePorts(1);
  await bundle(entry, join(folder, "worker.mjs"));
  const file = join(folder, "workerd.capnp");
  await writeFile(file, configuration(port!));
  const child = spawn(workerd, ["serve", file], { stdio: ["ignore", "inherit", "inherit"] });
  const exited = once(child, "exit").then(([code]) => {
    throw new Error(`workerd ended with ${code}`);
  });
  exited.catch(() => {});
  try {
    const url = `http://127.0.0.1:${port}/?runtime=workerd&endpoints=${encodeURIComponent(endpoints)}`;
    return await Promise.race([askWhenListening(url), exited]);
  } finally {
    child.kill("SIGKILL");
  }
}

/** workerd does not say when it listens: ask until the connection is no longer refused. */
async function askWhenListening(url: string): Promise<CellReport> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
      if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as CellReport;
    } catch (error) {
      if (!(error instanceof TypeError) || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
