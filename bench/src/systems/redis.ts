import { spawnSync } from "node:child_process";
import { findProgram, freePorts } from "@quorumguard/testbed";
import { startProgram } from "../program.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { AbsentSystem, type System } from "../system.ts";

/** What Redis keeps on disk: nothing, what it flushes once a second, or each turn's writes before it answers them. */
export type RedisPersistence = "none" | "everysec" | "always";

/**
 * One Redis, as its documentation sets up each kind of persistence; no snapshots, which would fork in the
 * middle of a sample. An append-only file is rewritten in a forked process whenever it has doubled, as it is by default.
 */
export async function startRedis(persistence: RedisPersistence): Promise<System> {
  const program = findProgram("redis-server");
  if (program === null)
    throw new AbsentSystem("redis-server is not installed; remedy: apt-get install -y redis-server");
  const [port] = await freePorts(1);
  const folder = await scratchFolder("redis");
  const flags = [
    ...["--save", ""],
    ...(persistence === "none" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", persistence]),
  ];
  const server = await startProgram({
    program,
    flags: ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path, ...flags],
    readyWords: "Ready to accept connections",
  }).catch((error) => {
    folder.remove();
    throw error;
  });
  const version = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout;
  return {
    configuration: { version: /v=(\S+)/.exec(version)?.[1] ?? version.trim(), processes: 1, flags: flags.join(" ") },
    endpoints: async () => [`127.0.0.1:${port}`],
    pids: () => [server.pid],
    flushes: async () => null,
    leader: null,
    async stop() {
      await server.end("SIGTERM");
      folder.remove();
    },
  };
}
