import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** `next start`, on a free port. */
export interface SiteProcess {
  readonly url: string;
  stop(): Promise<void>;
}

function runNext(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [here("node_modules/next/dist/bin/next"), ...flags], {
    env: { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** `next build` of site/, as an application does it: seconds on an idle machine. */
export async function buildSite(): Promise<void> {
  const child = runNext(["build", here("site")]);
  const lines: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text) => lines.push(String(text)));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`next build ended with exit status ${code}:\n${lines.join("")}`);
}

/** Starts the built site against these nodes, and resolves when it listens. */
export async function startSite(endpoints: readonly string[]): Promise<SiteProcess> {
  const flags = ["start", here("site"), "--port", "0", "--hostname", "127.0.0.1"];
  const child = runNext(flags, { QUORUMGUARD_ENDPOINTS: endpoints.join(",") });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.stderr!.pipe(process.stderr, { end: false });
  const exited = once(child, "exit");
  const failed = exited.then(([code, signal]) => {
    throw new Error(`next ended before it listened: ${signal ?? `exit status ${code}`}`);
  });
  failed.catch(() => {});
  return {
    url: await Promise.race([readUrl(child), failed]),
    async stop() {
      process.off("exit", kill);
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const port = /https?:\/\/[^\s:]+:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout!.resume();
    return `http://127.0.0.1:${port}`;
  }
  throw new Error("next did not say where it listens");
}
