import { statusSpec } from "./commands.ts";
import { clusterEndpoints } from "./endpoints.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { reachOf } from "./reach.ts";
import { statusTable } from "./status-table.ts";

/** Asks all members and shows what they say; resolves with the exit status. */
export async function statusCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, statusSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(statusSpec));
    return 0;
  }
  const endpoints = clusterEndpoints(flags.all("endpoints"));
  const timeoutMs = flags.whole("timeout");
  const reach = reachOf(flags);
  // Only now, so that help and mistakes do not wait for a client to load.
  const { fetchClusterStatus } = await import("./cluster-status.ts");
  const status = await fetchClusterStatus(endpoints, { ...reach, timeoutMs });
  process.stdout.write(flags.has("json") ? `${JSON.stringify(status)}\n` : statusTable(status));
  return status.healthy ? 0 : 1;
}
