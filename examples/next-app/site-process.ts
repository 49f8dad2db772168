import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readToEnd, type ServerProcess, startServerProcess } from "@quorumguard/testbed";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

const next = here("node_modules/next/dist/bin/next");
const environment = { NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" } as const;

/** `next build` of site/, as an application does it: seconds on an idle machine. */
export async function buildSite(): Promise<void> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [next, "build", here("site")], { env, stdio: ["ignore", "pipe", "pipe"] });
  const { code, stdout, stderr } = await readToEnd(child);
  if (code !== 0) throw new Error(`next build ended with exit status ${code}:\n${stdout}${stderr}`);
}

/** `next start` of the built site on a free port, against these nodes; resolves when it listens. */
export function startSite(endpoints: readonly string[]): Promise<ServerProcess> {
  return startServerProcess({
    name: "next",
    program: process.execPath,
    flags: [next, "start", here("site"), "--port", "0", "--hostname", "127.0.0.1"],
    environment: { ...environment, QUORUMGUARD_ENDPOINTS: endpoints.join(",") },
    urlIn(line) {
      const port = /https?:\/\/[^\s:]+:(\d+)/.exec(line)?.[1];
      return port && `http://127.0.0.1:${port}`;
    },
  });
}
