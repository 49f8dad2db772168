import type { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import type { PeerTls, ServerOptions } from "../server/server-options.ts";
import type { RunningServer } from "../server/start-server.ts";
import type { TlsMaterial } from "../server/tls-material.ts";
import { parseCluster, parseHostPort } from "./addresses.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { createOperatorLog, type LogLevel, logLevels, type OperatorLog } from "./operator-log.ts";
import { UsageError } from "./usage-error.ts";

const nodeHelp = `quorumguard node: run one node of a cluster

  quorumguard node --id 1 --cluster 1=10.0.0.1:7401,2=10.0.0.2:7401,3=10.0.0.3:7401 --data /var/lib/quorumguard

  --id N                this node's id, one of --cluster
  --cluster LIST        the founders and their peer addresses, the same list on every node
  --data FOLDER         log and snapshots; created if absent, never shared
  --grpc HOST:PORT      gRPC for SDKs (127.0.0.1:7400); port 0: any
  --http HOST:PORT      Connect, gRPC-Web, JSON, /metrics, /healthz, /readyz (127.0.0.1:7402)
  --peer HOST:PORT      where to listen for the other nodes (this node's address in --cluster)
  --advertise-grpc HOST:PORT, --advertise-http URL
                        where clients reach this node, if not where it listens
  --tls-cert FILE, --tls-key FILE, --tls-client-ca FILE
                        certificate for clients; with an authority, callers must show a certificate too
  --peer-cert FILE, --peer-key FILE, --peer-ca FILE
                        certificate for the other nodes, and the authority of theirs
  --insecure            plain text off loopback; without TLS it is refused otherwise
  --cors-origin ORIGIN  pages of this origin may call from a browser; any number of times
  --drain-timeout MS    how long a stop waits for what is in flight (5000)
  --log-level LEVEL     ${logLevels.join(", ")} (info); JSON lines on standard error
  --stop-with-stdin     stop when standard input ends, for whoever starts this as a child
  --json                print the addresses as one JSON line on standard output once they listen
  --help

SIGTERM or Ctrl-C: hands leadership over, finishes what is in flight, exits 0.
`;

const valued = [
  ...[
    "id",
    "cluster",
    "data",
    "grpc",
    "http",
    "peer",
    "advertise-grpc",
    "advertise-http",
    "drain-timeout",
    "log-level",
  ],
  ...["tls-cert", "tls-key", "tls-client-ca", "peer-cert", "peer-key", "peer-ca"],
];

const flagTypes = {
  ...Object.fromEntries(valued.map((flag) => [flag, { type: "string" as const }])),
  "cors-origin": { type: "string" as const, multiple: true },
  insecure: { type: "boolean" as const },
  "stop-with-stdin": { type: "boolean" as const },
  json: { type: "boolean" as const },
  help: { type: "boolean" as const },
};

/** Runs until a signal or a fatal error; resolves with the exit status. */
export async function nodeCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, flagTypes);
  if (flags.has("help")) {
    process.stdout.write(nodeHelp);
    return 0;
  }
  if (flags.positionals.length > 0) throw new UsageError(`${JSON.stringify(flags.positionals[0])} is not a flag`);
  const options = serverOptions(flags);
  const operatorLog = createOperatorLog(options.nodeId, logLevel(flags));
  // Only now, so that help and mistakes do not wait for the whole server to load.
  const { startServer } = await import("../server/start-server.ts");
  const server = await startServer({ ...options, log: operatorLog.log });
  announce(server, flags, operatorLog);
  return until(server, flags, operatorLog);
}

function announce(server: RunningServer, flags: ParsedFlags, { log }: OperatorLog): void {
  const { grpcPort, httpPort, peerPort, addresses } = server;
  log("info", "listening", { ...addresses, grpcPort, httpPort, peerPort, pid: process.pid });
  if (flags.has("json")) {
    const line = { nodeId: server.node.nodeId, ...addresses, grpcPort, httpPort, peerPort, pid: process.pid };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  const tell = () => {
    const { leaderId, term, clusterId } = server.node.topology();
    log("info", "topology", { clusterId, leaderId, term });
  };
  server.node.onTopology(tell);
  if (server.node.topology().leaderId !== 0) tell();
}

function until(server: RunningServer, flags: ParsedFlags, operatorLog: OperatorLog): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      server.stop().then(() => {
        operatorLog.flush();
        resolve(0);
      }, reject);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    if (flags.has("stop-with-stdin")) process.stdin.on("end", stop).on("error", stop).resume();
    // A node that cannot vouch for its data does not drain: it is gone.
    server.failed.then((error) => {
      operatorLog.flush();
      reject(error);
    });
  });
}

function serverOptions(flags: ParsedFlags): ServerOptions {
  const hostPort = (flag: "grpc" | "http" | "peer") => {
    const text = flags.text(flag);
    return text === undefined ? {} : { [flag]: parseHostPort(flag, text) };
  };
  const drainTimeoutMs = flags.whole("drain-timeout", 0, 600_000);
  const tls = tlsOf(flags);
  const peerTls = peerTlsOf(flags);
  const advertiseGrpc = flags.text("advertise-grpc");
  const advertiseHttp = flags.text("advertise-http");
  if (advertiseGrpc !== undefined) parseHostPort("advertise-grpc", advertiseGrpc);
  if (advertiseHttp !== undefined && !/^https?:\/\//.test(advertiseHttp)) {
    throw new UsageError(
      `--advertise-http is ${JSON.stringify(advertiseHttp)}: it must begin with http:// or https://`,
    );
  }
  return {
    nodeId: required("id", flags.whole("id", 1, Number.MAX_SAFE_INTEGER)),
    cluster: parseCluster(required("cluster", flags.text("cluster"))),
    dataFolder: required("data", flags.text("data")),
    ...hostPort("grpc"),
    ...hostPort("http"),
    ...hostPort("peer"),
    ...(advertiseGrpc === undefined ? {} : { advertiseGrpc }),
    ...(advertiseHttp === undefined ? {} : { advertiseHttp }),
    ...(tls === undefined ? {} : { tls }),
    ...(peerTls === undefined ? {} : { peerTls }),
    ...(drainTimeoutMs === undefined ? {} : { drainTimeoutMs }),
    insecure: flags.has("insecure"),
    corsOrigins: flags.all("cors-origin"),
  };
}

function required<T>(flag: string, value: T | undefined): T {
  if (value === undefined) throw new UsageError(`--${flag} is missing; see quorumguard node --help`);
  return value;
}

function logLevel(flags: ParsedFlags): LogLevel {
  const text = flags.text("log-level") ?? "info";
  const level = logLevels.find((known) => known === text);
  if (level !== undefined) return level;
  throw new UsageError(`--log-level is ${JSON.stringify(text)}: it must be one of ${logLevels.join(", ")}`);
}

function tlsOf(flags: ParsedFlags): TlsMaterial | undefined {
  const [cert, key, clientCa] = [pem(flags, "tls-cert"), pem(flags, "tls-key"), pem(flags, "tls-client-ca")];
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError("--tls-cert and --tls-key belong together");
  return { cert, key, clientCa: clientCa ?? null };
}

function peerTlsOf(flags: ParsedFlags): PeerTls | undefined {
  const [cert, key, ca] = [pem(flags, "peer-cert"), pem(flags, "peer-key"), pem(flags, "peer-ca")];
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new UsageError("--peer-cert, --peer-key and --peer-ca belong together");
  }
  return { cert, key, ca };
}

function pem(flags: ParsedFlags, flag: string): Buffer | undefined {
  const path = flags.text(flag);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${flag} is ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}
