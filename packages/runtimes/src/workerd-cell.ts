import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";
import { type Cell, type CellReport, explain } from "./cell.ts";

const workerd = fileURLToPath(new URL("../node_modules/workerd/bin/workerd", import.meta.url));

/** The suite takes seconds; a worker that hangs must not hang the matrix, and one on a busy machine does not hang. */
const timeoutMs = 300_000;

/** The worker may reach this machine, which workerd's default network forbids. */
const configuration = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = "2026-10-01",
    )),
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/** Runs the suite inside a worker: no Node, no timers at module scope, no sockets but fetch. */
export function workerdCell(entry: string, folder: string, endpoints: string): Cell {
  return { sdk: "sdk-web", runtime: "workerd", run: () => runInWorker(entry, folder, endpoints) };
}

async function runInWorker(entry: string, folder: string, endpoints: string): Promise<CellReport> {
  await bundle(entry, join(folder, "worker.mjs"));
  const file = join(folder, "workerd.capnp");
  await writeFile(file, configuration);
  const child = spawn(workerd, ["serve", file, "--control-fd=3"], { stdio: ["ignore", "inherit", "pipe", "pipe"] });
  let problems = "";
  child.stderr!.on("data", (text) => {
    problems += text;
  });
  const ended = once(child, "close").then(([code, signal]): never => {
    throw new Error(`workerd ended with ${signal ?? `exit status ${code}`}`);
  });
  ended.catch(() => {});
  try {
    const port = await Promise.race([readPort(child.stdio[3] as Readable), ended]);
    const url = `http://127.0.0.1:${port}/?runtime=workerd&endpoints=${encodeURIComponent(endpoints)}`;
    return await Promise.race([ask(url), ended]);
  } catch (error) {
    throw new Error(`${explain(error)}; workerd wrote:\n${problems.slice(-2_000)}`);
  } finally {
    child.kill("SIGKILL");
  }
}

/** workerd tells on its control descriptor, as lines of JSON, which port it got. Never resolves if it tells nothing: it then ends. */
async function readPort(told: Readable): Promise<number> {
  for await (const line of createInterface({ input: told })) {
    const { event, port } = JSON.parse(line) as { event?: string; port?: number };
    if (event === "listen" && port !== undefined) return port;
  }
  return new Promise(() => {});
}

async function ask(url: string): Promise<CellReport> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as CellReport;
}
