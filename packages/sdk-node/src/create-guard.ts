import process from "node:process";
import {
  checkEndpoints,
  createGuardCore,
  expectGuardOptions,
  forCaller,
  type Guard,
  GuardError,
  type GuardOptions,
  guardOptionNames,
  type Runtime,
} from "@quorumguard/sdk-core";
import { type DefaultEndpoints, defaultEndpoints, remedyOfNamed } from "./default-endpoints.ts";
import { DEFAULT_GRPC_PORT, isSecure } from "./endpoint.ts";
import { createGrpcTransport } from "./grpc-transport.ts";
import { nodeRuntime } from "./node-runtime.ts";
import { guardTelemetry } from "./telemetry/guard-telemetry.ts";
import { checkTlsOptions, type TlsOptions } from "./tls-options.ts";

const VERSION = "0.1.0";
/** The `code`s of the process warnings, for `process.on("warning")`. */
const warningCodes = {
  degraded: "QUORUMGUARD_DEGRADED",
  misconfigured: "QUORUMGUARD_MISCONFIGURED",
  replaced: "QUORUMGUARD_REPLACED",
  timeout: "QUORUMGUARD_TIMEOUT",
  full: "QUORUMGUARD_FULL",
} as const;

/** Options of a guard in Node: those of every guard, and TLS over gRPC. */
export interface NodeGuardOptions<P extends string = string> extends GuardOptions<P> {
  /** Certificates for endpoints that begin with `https://`; refused if there is none. Default: the authorities that Node trusts, no certificate of our own. */
  readonly tls?: TlsOptions | undefined;
  /** The time that holds, sessions and local limits are counted by, for tests that move it. Default: this machine's. */
  readonly clock?: GuardClock | undefined;
}

/** Time as a guard sees it: a monotonic clock and the wall clock, in milliseconds, and timers. */
export type GuardClock = Pick<Runtime, "monotonicMs" | "realMs" | "wallMs" | "setTimer" | "setPause">;

/**
 * Makes a guard over gRPC. Nothing is sent before the first call, and nothing of it keeps a process alive but a call
 * that waits for its answer. Make one per process, and share it.
 *
 * The first decision of an outage that the cluster did not make emits one process warning (`QuorumGuardWarning`, code
 * `QUORUMGUARD_DEGRADED`), unless somebody listens: `guard.on("degraded", …)`. With `onUnavailable: "throw"` there is none. A cluster that
 * was replaced by another one emits `QUORUMGUARD_REPLACED`, unless somebody listens for `replaced`; an endpoint that is a mistake beside
 * others that serve emits `QUORUMGUARD_MISCONFIGURED`, unless somebody listens for `misconfigured`.
 *
 * @throws {GuardError} invalid_argument when an option is unknown or out of bounds; the message names it.
 */
export function createGuard<const P extends string = string>(options: NodeGuardOptions<P> = {}): Guard<P> {
  return forCaller(createGuard, () => guardOf(options));
}

function guardOf<const P extends string>(options: NodeGuardOptions<P>): Guard<P> {
  expectGuardOptions(options);
  const tls = checkTlsOptions(options.tls);
  const { endpoints: given, remedy } = endpointsOf(options.endpoints);
  const transport = createGrpcTransport({ tls, remedy });
  const secure = (typeof given === "string" ? given.split(",") : Array.isArray(given) ? given : []).some(
    (endpoint) => typeof endpoint === "string" && isSecure(endpoint.trim()),
  );
  if (options.tls !== undefined && !secure) {
    // Certificates that nobody looks at would be a false comfort: the calls would travel in plain text.
    throw new GuardError("invalid_argument", "tls: no endpoint begins with https://; write https:// in front of them", {
      details: { field: "tls" },
    });
  }
  return createGuardCore(options, transport, runtimeOf(options.clock), {
    defaultEndpoints: given,
    optionNames: [...guardOptionNames, "tls", "clock"],
    warn: (message, about) => process.emitWarning(message, { type: "QuorumGuardWarning", code: warningCodes[about] }),
    observer: guardTelemetry(VERSION),
    client: `sdk-node/${VERSION} node/${process.versions.node.split(".")[0]}`,
    // Members advertise host:port; whether it is TLS is what the caller's own endpoints say.
    endpointOf: (member) =>
      secure && member.grpcEndpoint !== "" ? `https://${member.grpcEndpoint}` : member.grpcEndpoint,
  });
}

/** What the caller says, else what is found. Only who names none has it looked for, which reads files. */
function endpointsOf(named: NodeGuardOptions["endpoints"]): DefaultEndpoints {
  const { QUORUMGUARD_ENDPOINTS: variable } = process.env;
  const found =
    named === undefined ? defaultEndpoints(process.env) : { endpoints: named, remedy: remedyOfNamed(process.env) };
  const field = named === undefined && variable ? "QUORUMGUARD_ENDPOINTS" : "endpoints";
  checkEndpoints(found.endpoints, { field, paths: false, port: DEFAULT_GRPC_PORT });
  return found;
}

function runtimeOf(clock: GuardClock | undefined): Runtime {
  if (clock === undefined) return nodeRuntime;
  return {
    ...nodeRuntime,
    monotonicMs: () => clock.monotonicMs(),
    realMs: () => clock.realMs?.() ?? clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    setTimer: (callback, delayMs, keepAlive) => clock.setTimer(callback, delayMs, keepAlive),
    setPause: (callback, delayMs) => clock.setPause?.(callback, delayMs) ?? clock.setTimer(callback, delayMs, true),
  };
}
