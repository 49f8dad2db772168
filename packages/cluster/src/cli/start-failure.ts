import { InvalidField } from "../server/invalid-field.ts";
import { StartError } from "../server/start-error.ts";
import { UsageError } from "./usage-error.ts";

/** The flags behind the options of a server: who typed a flag knows it by that name. */
const flags: ReadonlyMap<string, string> = new Map([
  ["nodeId", "--id"],
  ["cluster", "--cluster"],
  ["join", "--join"],
  ["advertisePeer", "--advertise-peer"],
  ["dataFolder", "--data"],
  ["grpc", "--grpc"],
  ["http", "--http"],
  ["peer", "--peer"],
  ["advertiseGrpc", "--advertise-grpc"],
  ["advertiseHttp", "--advertise-http"],
  ["corsOrigins", "--cors-origin"],
  ["drainTimeoutMs", "--drain-timeout"],
  ["tokenKeys", "--token-keys"],
  ["tokenAudience", "--token-audience"],
  ["tokenCallsPerSecond", "--token-calls-per-second"],
  ["visitorKeysPerMinute", "--visitor-keys-per-minute"],
]);

/** An error of a server's start in the terms of the command line; what is about no flag comes back as it is. */
export function startFailure(error: unknown): unknown {
  if (error instanceof StartError) {
    return new Error(`${flags.get(error.option)}: ${error.problem}`, { cause: error });
  }
  if (!(error instanceof InvalidField)) return error;
  const flag = flags.get(error.field.split(/[.[]/, 1)[0] ?? "");
  if (flag === undefined) return error;
  const text = error.message.slice(error.field.length);
  return new UsageError(`${flag}${text}${remedyOf(error.field)}`);
}

function remedyOf(field: string): string {
  if (field === "peer.host") return " (--peer-cert, --peer-key and --peer-ca, or --insecure)";
  return field === "grpc.host" || field === "http.host" ? " (--tls-cert and --tls-key, or --insecure)" : "";
}
