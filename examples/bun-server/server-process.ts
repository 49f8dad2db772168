import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "@quorumguard/testbed";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * Starts server.ts in Bun, on a free port, with these HTTP ports of nodes, and resolves when it listens. The npm package calls its
 * program `.exe` on every system.
 */
export function startServer(httpUrls: readonly string[]): Promise<ServerProcess> {
  return startServerProcess({
    name: "Bun",
    program: here("node_modules/bun/bin/bun.exe"),
    flags: [here("server.ts")],
    environment: { QUORUMGUARD_ENDPOINTS: httpUrls.join(",") },
  });
}
