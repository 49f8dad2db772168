import type { PeerTls, ServerOptions } from "../server/server-options.ts";
import type { RunningServer } from "../server/start-server.ts";
import type { TlsMaterial } from "../server/tls-material.ts";
import { keepYoungGenerationSmall } from "../server/young-generation.ts";
import { parseCluster, parseHostPort, parseHostPorts } from "./addresses.ts";
import { nodeSpec } from "./commands.ts";
import { type ParsedFlags, parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import type { OperatorLog } from "./operator-log.ts";
import { checkPair, readPem } from "./read-pem.ts";
import { startFailure } from "./start-failure.ts";
import { UsageError } from "./usage-error.ts";

type NodeFlags = ParsedFlags<typeof nodeSpec>;

/** Runs until a signal or a fatal error; resolves with the exit status. */
export async function nodeCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, nodeSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(nodeSpec));
    return 0;
  }
  const options = serverOptions(flags);
  const logLevel = flags.choice("log-level");
  keepYoungGenerationSmall();
  // Only now, so that help and mistakes do not wait for the whole server to load.
  const { createOperatorLog } = await import("./operator-log.ts");
  const operatorLog = createOperatorLog(options.nodeId, logLevel);
  const { startServer } = await import("../server/start-server.ts");
  const server = await startServer({ ...options, log: operatorLog.log }).catch((error: unknown) => {
    throw startFailure(error);
  });
  announce(server, flags, operatorLog);
  return until(server, flags, operatorLog);
}

function announce(server: RunningServer, flags: NodeFlags, { log }: OperatorLog): void {
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

function until(server: RunningServer, flags: NodeFlags, operatorLog: OperatorLog): Promise<number> {
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
    server.removed.then(() => {
      process.stderr.write(`quorumguard: node ${server.node.nodeId} was removed from its cluster, and stops\n`);
      stop();
    });
    // A node that cannot vouch for its data does not drain: it is gone.
    server.failed.then((error) => {
      operatorLog.flush();
      reject(error);
    });
  });
}

function serverOptions(flags: NodeFlags): ServerOptions {
  const hostPort = (flag: "grpc" | "http" | "peer") => {
    const text = flags.text(flag);
    return text === undefined ? {} : { [flag]: parseHostPort(flag, text) };
  };
  const drainTimeoutMs = flags.whole("drain-timeout");
  const tls = tlsOf(flags);
  const peerTls = peerTlsOf(flags);
  const policyFile = flags.text("policies");
  const tokenKeys = flags.text("token-keys");
  const tokenAudience = flags.text("token-audience");
  const tokenCallsPerSecond = flags.whole("token-calls-per-second");
  const visitorKeysPerMinute = flags.whole("visitor-keys-per-minute");
  const advertiseGrpc = flags.text("advertise-grpc");
  const advertiseHttp = flags.text("advertise-http");
  if (advertiseGrpc !== undefined) parseHostPort("advertise-grpc", advertiseGrpc);
  if (advertiseHttp !== undefined && !/^https?:\/\//.test(advertiseHttp)) {
    throw new UsageError(
      `--advertise-http is ${JSON.stringify(advertiseHttp)}: it must begin with http:// or https://`,
    );
  }
  return {
    nodeId: flags.whole("id"),
    ...membership(flags),
    dataFolder: flags.text("data"),
    ...hostPort("grpc"),
    ...hostPort("http"),
    ...hostPort("peer"),
    ...(advertiseGrpc === undefined ? {} : { advertiseGrpc }),
    ...(advertiseHttp === undefined ? {} : { advertiseHttp }),
    ...(tls === undefined ? {} : { tls }),
    ...(peerTls === undefined ? {} : { peerTls }),
    drainTimeoutMs,
    insecure: flags.has("insecure"),
    repair: flags.has("repair"),
    ...(policyFile === undefined ? {} : { policyFile }),
    ...(tokenKeys === undefined ? {} : { tokenKeys }),
    ...(tokenAudience === undefined ? {} : { tokenAudience }),
    ...(tokenCallsPerSecond === undefined ? {} : { tokenCallsPerSecond }),
    ...(visitorKeysPerMinute === undefined ? {} : { visitorKeysPerMinute }),
    bounds: boundsOf(flags),
    corsOrigins: flags.all("cors-origin"),
  };
}

/** What the cluster is to hold at most; what is not given stays as it is. */
function boundsOf(flags: NodeFlags): NonNullable<ServerOptions["bounds"]> {
  const maxKeys = flags.whole("max-keys");
  const maxHolds = flags.whole("max-holds");
  return { ...(maxKeys === undefined ? {} : { maxKeys }), ...(maxHolds === undefined ? {} : { maxHolds }) };
}

/** The founders, or whom a newcomer turns to. */
function membership(flags: NodeFlags): Pick<ServerOptions, "cluster" | "join" | "advertisePeer"> {
  const cluster = flags.text("cluster");
  const join = flags.text("join");
  const advertisePeer = flags.text("advertise-peer");
  if (advertisePeer !== undefined) parseHostPort("advertise-peer", advertisePeer);
  const advertised = advertisePeer === undefined ? {} : { advertisePeer };
  if (cluster !== undefined && join !== undefined) {
    throw new UsageError("--cluster founds and --join joins: give one of them");
  }
  if (join !== undefined) return { join: parseHostPorts("join", join), ...advertised };
  if (cluster !== undefined) return { cluster: parseCluster(cluster), ...advertised };
  throw new UsageError(
    "--cluster is missing: give the founders, or --join with members' peer addresses; see quorumguard node --help",
  );
}

function tlsOf(flags: NodeFlags): TlsMaterial | undefined {
  const cert = readPem("tls-cert", flags.text("tls-cert"), "certificate");
  const key = readPem("tls-key", flags.text("tls-key"), "key");
  const clientCa = readPem("tls-client-ca", flags.text("tls-client-ca"), "certificate");
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new UsageError("--tls-cert and --tls-key belong together");
  checkPair("tls-cert", cert, "tls-key", key);
  return { cert, key, clientCa: clientCa ?? null };
}

function peerTlsOf(flags: NodeFlags): PeerTls | undefined {
  const cert = readPem("peer-cert", flags.text("peer-cert"), "certificate");
  const key = readPem("peer-key", flags.text("peer-key"), "key");
  const ca = readPem("peer-ca", flags.text("peer-ca"), "certificate");
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new UsageError("--peer-cert, --peer-key and --peer-ca belong together");
  }
  checkPair("peer-cert", cert, "peer-key", key);
  return { cert, key, ca };
}
