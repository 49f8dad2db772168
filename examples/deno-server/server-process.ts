import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "@quorumguard/testbed";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/**
 * Starts server.ts in Deno, on a free port, with these HTTP ports of nodes and leave for nothing but the network and one
 * variable; resolves when it listens.
 */
export function startServer(httpUrls: readonly string[]): Promise<ServerProcess> {
  const permissions = ["--allow-net=127.0.0.1", "--allow-env=QUORUMGUARD_ENDPOINTS", "--no-prompt"];
  return startServerProcess({
    name: "Deno",
    program: here("node_modules/deno/deno"),
    flags: ["run", "--no-lock", ...permissions, here("server.ts")],
    environment: { QUORUMGUARD_ENDPOINTS: httpUrls.join(","), DENO_NO_UPDATE_CHECK: "1" },
  });
}
