import { freePorts } from "@quorumguard/testbed";
import { type Program, startProgram } from "../program.ts";
import type { System } from "../system.ts";
import { type GoCommand, goProgram } from "./go-program.ts";

const command: GoCommand = { path: "github.com/gubernator-io/gubernator/v2/cmd/gubernator", version: "v2.13.0" };

const daemons = [0, 1, 2] as const;

/** Three Gubernator daemons that find each other by member-list. Counts are in memory, each on one of them. */
export async function startGubernator(): Promise<System> {
  const program = await goProgram(command);
  const ports = await freePorts(3 * daemons.length);
  const address = (daemon: number, listener: number) => `127.0.0.1:${ports[3 * daemon + listener]}`;
  const gossip = daemons.map((daemon) => address(daemon, 2)).join(",");
  const running: Program[] = [];
  const stop = async () => void (await Promise.all(running.map((one) => one.end("SIGTERM"))));
  try {
    for (const daemon of daemons) {
      const environment = {
        GUBER_GRPC_ADDRESS: address(daemon, 0),
        GUBER_ADVERTISE_ADDRESS: address(daemon, 0),
        GUBER_HTTP_ADDRESS: address(daemon, 1),
        GUBER_PEER_DISCOVERY_TYPE: "member-list",
        GUBER_MEMBERLIST_ADDRESS: address(daemon, 2),
        GUBER_MEMBERLIST_BIND_ADDRESS: address(daemon, 2),
        GUBER_MEMBERLIST_KNOWN_NODES: gossip,
        // By default it forgets keys beyond 50,000, which no other system here does.
        GUBER_CACHE_SIZE: "2000000",
      };
      running.push(await startProgram({ program, flags: [], environment, readyWords: "Gubernator Listening" }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    configuration: {
      version: command.version,
      processes: daemons.length,
      flags: "member-list; a cache of 2,000,000 keys, so that none is forgotten",
    },
    endpoints: async () => daemons.map((daemon) => address(daemon, 0)),
    pids: () => running.map((one) => one.pid),
    flushes: async () => null,
    leader: null,
    stop,
  };
}
