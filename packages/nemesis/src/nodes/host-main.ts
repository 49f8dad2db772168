/**
 * A real node whose disk is worse than that of the built command, and smaller: `forgetful`, it loses with the process
 * whatever was not flushed, so that SIGKILL is a power failure; small segments and snapshots make a short run pass through
 * all of the storage. Its options are the JSON of its first argument; it logs as the command does.
 */
import { startServer } from "@quorumguard/cluster";
// Directly, since the rest of production code that this room uses would only delay a start.
import { openForgetfulFileSystem } from "../../../cluster/src/storage/forgetful-file-system.ts";
import type { HostOptions } from "./host-options.ts";

const { forgetful, dataFolder, ...options } = JSON.parse(process.argv[2] ?? "{}") as HostOptions;

function log(level: string, event: string, fields: object): void {
  process.stderr.write(`${JSON.stringify({ level, event, ...fields })}\n`);
}

function fail(error: unknown): never {
  log("error", "fatal", { error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}

const files = forgetful ? await openForgetfulFileSystem({ root: dataFolder }).catch(fail) : null;
const server = await startServer({
  ...options,
  ...(files === null ? { dataFolder } : { files }),
  log,
}).catch(fail);
server.failed.then(fail);
const tell = () => {
  const { leaderId, term } = server.node.topology();
  log("info", "topology", { leaderId, term });
};
server.node.onTopology(tell);
if (server.node.topology().leaderId !== 0) tell();

const stop = () => {
  server.stop().then(async () => {
    await files?.close();
    process.exit(0);
  }, fail);
};
process.once("SIGTERM", stop);
process.stdin.on("end", stop).on("error", stop).resume();
