import { findProgram, freePorts, until } from "@quorumguard/testbed";
import { type Program, startProgram } from "../program.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { AbsentSystem, type System } from "../system.ts";
import { type GoCommand, goProgram } from "./go-program.ts";

const command: GoCommand = {
  path: "github.com/gubernator-io/gubernator/v2/cmd/gubernator",
  version: "v2.13.0",
  sums: [
    "github.com/gubernator-io/gubernator/v2 v2.13.0 h1:kvY3ppEpKBnUCKGLXBXO9QT/HQTpQVTwLzpQe6asOu0=",
    "github.com/gubernator-io/gubernator/v2 v2.13.0/go.mod h1:jHkFFXCkRmxI5/4HOK052gls1uXiYzcvtrmCzhsIY+0=",
  ],
};

const daemons = [0, 1, 2] as const;

/**
 * Three Gubernator daemons that find each other by an etcd of their own: by member-list, several on one machine take each other for one.
 * Counts are in memory, each on one of them.
 */
export async function startGubernator(): Promise<System> {
  const program = await goProgram(command);
  const [registryPort, registryPeerPort, ...ports] = await freePorts(2 + 2 * daemons.length);
  const address = (daemon: number, listener: number) => `127.0.0.1:${ports[2 * daemon + listener]}`;
  const registry = `127.0.0.1:${registryPort}`;
  const folder = await scratchFolder("gubernator");
  const running: Program[] = [];
  const stop = async () => {
    // The registry goes last: daemons that leave tell it so.
    for (const one of running.toReversed()) await one.end("SIGTERM");
    folder.remove();
  };
  try {
    running.push(await startRegistry(folder.path, registry, `http://127.0.0.1:${registryPeerPort}`));
    for (const daemon of daemons) {
      const environment = {
        GUBER_GRPC_ADDRESS: address(daemon, 0),
        GUBER_ADVERTISE_ADDRESS: address(daemon, 0),
        GUBER_HTTP_ADDRESS: address(daemon, 1),
        GUBER_PEER_DISCOVERY_TYPE: "etcd",
        GUBER_ETCD_ENDPOINTS: registry,
        GUBER_ETCD_ADVERTISE_ADDRESS: address(daemon, 0),
        // It would look for a collector of traces.
        OTEL_TRACES_EXPORTER: "none",
        // By default it forgets keys beyond 50,000, which no other system here does.
        GUBER_CACHE_SIZE: "2000000",
      };
      running.push(await startProgram({ program, flags: [], environment, readyWords: "HTTP Gateway Listening" }));
    }
    for (const daemon of daemons) {
      await until(`daemon ${daemon} does not know all others`, 60_000, async () => {
        const answer = await fetch(`http://${address(daemon, 1)}/v1/HealthCheck`);
        const { peer_count: known } = (await answer.json()) as { readonly peer_count: number };
        return known === daemons.length ? true : null;
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    configuration: {
      version: command.version,
      processes: daemons.length,
      flags: "found by etcd; a cache of 2,000,000 keys, so that none is forgotten; no traces",
    },
    endpoints: async () => daemons.map((daemon) => address(daemon, 0)),
    // Its own; nobody asks the registry while all is well.
    pids: () => running.slice(1).map((one) => one.pid),
    flushes: async () => null,
    leader: null,
    stop,
  };
}

/** Where daemons find each other. @throws {AbsentSystem} where there is no etcd. */
function startRegistry(folder: string, registry: string, peerUrl: string): Promise<Program> {
  const program = findProgram("etcd-server");
  if (program === null) throw new AbsentSystem("its daemons find each other by etcd: apt-get install -y etcd-server");
  const flags = [
    ...["--name", "registry", "--data-dir", folder, "--initial-cluster", `registry=${peerUrl}`],
    ...["--listen-client-urls", `http://${registry}`, "--advertise-client-urls", `http://${registry}`],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
  ];
  return startProgram({ program, flags, readyWords: "ready to serve client requests" });
}
