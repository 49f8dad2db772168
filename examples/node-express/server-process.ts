import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "@quorumguard/testbed";

/** Starts server.ts as a process of its own, on a free port, against these nodes, and resolves when it listens. */
export function startServer(endpoints: readonly string[]): Promise<ServerProcess> {
  return startServerProcess({
    name: "the server",
    program: process.execPath,
    flags: [fileURLToPath(new URL("server.ts", import.meta.url))],
    environment: { PORT: "0", QUORUMGUARD_ENDPOINTS: endpoints.join(",") },
  });
}
