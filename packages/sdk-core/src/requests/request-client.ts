import {
  type CallResult,
  decodeAllowBatchResponse,
  decodeGetTopologyResponse,
  decodePeekResponse,
  encodeAllowBatchRequest,
  encodeGetTopologyRequest,
  encodePeekRequest,
  type PlainMessage,
  type Topology,
  type Check as WireCheck,
  type Decision as WireDecision,
} from "@quorumguard/proto";
import { attemptEnded, type Call, type CallItem } from "../calls/call.ts";
import { FIRST_FAILURE_OUTCOME } from "../calls/decisions.ts";
import { type AttemptFailure, failureOfOutcome, failureOfTransport } from "../calls/wire-errors.ts";
import { retrying } from "../cluster/backoff.ts";
import type { AbortSignalLike } from "../surface/guard.ts";
import { type Runtime, type Transport, TransportError, type UnaryCall } from "../transport.ts";
import { createRequestEndpoints } from "./request-endpoints.ts";

/** No attempt is shorter than this, unless the deadline is. */
const MIN_ATTEMPT_MS = 100;

/** Where the ends of calls go; each call ends once, as with sessions. */
export interface RequestEnds {
  decided(call: Call, result: PlainMessage<CallResult>): void;
  failed(call: Call, failure: AttemptFailure): void;
}

/** The endpoints that a request client asks in turn, and where it brings the answers. */
export interface RequestClientOptions {
  readonly transport: Transport;
  readonly runtime: Runtime;
  readonly endpoints: readonly string[];
  /** An endpoint to prefer: the leader's, if somebody knows it. */
  readonly preferred: () => string | null;
  /** Told of each endpoint that a request goes to, before it does. */
  readonly onAsk: (endpoint: string) => void;
  /** One of several endpoints is a mistake; once for each. */
  readonly onMisconfigured: (endpoint: string, reason: string) => void;
  readonly ends: RequestEnds;
  /** A node that answered has applied this version of the policies; 0: nothing is set. */
  readonly onPolicies: (version: number) => void;
  /** Of all keys. */
  readonly namespace: string;
}

/** Calls one by one, each under a request id, so that any endpoint may be asked again (SEMANTICS S7). */
export interface RequestClient {
  submit(call: Call): void;
  /** What `allow` would say, and as of which stamp in microseconds. @throws {TransportError} or an {@link AttemptError}. */
  peek(item: CallItem, timeoutMs: number): Promise<PeekAnswer>;
  /** The topology from whoever knows a leader. */
  topology(timeoutMs: number): Promise<PlainMessage<Topology>>;
  /** The topology as this endpoint has it; one attempt. */
  topologyOf(endpoint: string, timeoutMs: number): Promise<PlainMessage<Topology>>;
}

/** What `allow` would say, and the stamp in microseconds that it is as of. */
export interface PeekAnswer {
  readonly decision: PlainMessage<WireDecision>;
  readonly stampUs: number;
}

/** An answer that is no decision. */
export class AttemptError extends TransportError {
  readonly failure: AttemptFailure;

  constructor(failure: AttemptFailure) {
    super("rejected", failure.message);
    this.failure = failure;
  }
}

/** How a failed request went, from whatever was thrown. */
export function failureOf(error: unknown): AttemptFailure {
  if (error instanceof AttemptError) return error.failure;
  if (error instanceof TransportError) return failureOfTransport(error);
  return failureOfTransport(new TransportError("unknown", String(error), { cause: error }));
}

/** A client that tries endpoint after endpoint until a call's deadline. */
export function createRequestClient(options: RequestClientOptions): RequestClient {
  const { transport, runtime, namespace } = options;
  const endpoints = createRequestEndpoints(options.endpoints, runtime, options.onMisconfigured);

  /** Attempts until the deadline; every attempt but the last leaves time for another endpoint. */
  const request = <T>(
    method: UnaryCall["method"],
    deadlineMs: number,
    signal: AbortSignalLike | null,
    build: (leftMs: number, endpoint: string) => Uint8Array,
    read: (bytes: Uint8Array) => T,
    onFailure: (failure: AttemptFailure) => void,
    stopped: () => boolean,
  ): Promise<T> => {
    let endpoint = "";
    const left = () => Math.max(1, Math.ceil(deadlineMs - runtime.monotonicMs()));
    return retrying(
      async () => {
        const leftMs = left();
        endpoint = options.preferred() ?? endpoints.current();
        const message = build(leftMs, endpoint);
        options.onAsk(endpoint);
        const bytes = await transport.unary({
          endpoint,
          method,
          request: message,
          timeoutMs: Math.min(leftMs, Math.max(MIN_ATTEMPT_MS, Math.ceil(leftMs / 2))),
          ...(signal === null ? {} : { signal }),
        });
        const result = decode(endpoint, bytes, read);
        endpoints.answered(endpoint);
        return result;
      },
      {
        runtime,
        keepAlive: true,
        stopped: () => stopped() || runtime.monotonicMs() >= deadlineMs,
        capMs: () => Math.min(100, left()),
        onFailure: (error) => {
          const failure = failureOf(error);
          onFailure(failure);
          // Another endpoint may be right where this one is a mistake; a refused token is every node's answer.
          const final =
            failure.code === "misconfigured"
              ? endpoints.mistaken(endpoint, failure)
              : failure.retryable
                ? null
                : failure;
          if (final !== null) throw new AttemptError(final);
          endpoints.moveOn();
          return false;
        },
      },
    );
  };

  return {
    submit(call) {
      const requestId = call.requestId ?? randomId(runtime);
      const checks = (call.group ?? [call]).map(wireCheck);
      const { verb } = call;
      const ttlMs = BigInt(call.ttlMs);
      const handle = BigInt(call.handle);
      call.phase = "inFlight";
      request(
        "GuardService/AllowBatch",
        call.deadlineMs,
        call.signal,
        (leftMs, endpoint) => {
          const firstAttempt = call.sends === 0 && call.requestId === null;
          if (call.sends === 0) call.sentMs = runtime.monotonicMs();
          call.sends += 1;
          call.observer?.sent?.(endpoint, call.sends, 0);
          call.phase = "inFlight";
          return encodeAllowBatchRequest({
            calls: [{ checks, requestId, verb, ttlMs, handle }],
            noForward: false,
            deadlineMs: leftMs,
            namespace,
            firstAttempt,
          });
        },
        (bytes) => readResult(bytes, checks.length, options.onPolicies),
        (failure) => {
          if (call.phase !== "inFlight") return;
          attemptEnded(call, failure.applied, failure.message, failure.code === "overloaded");
          call.phase = "toResend";
        },
        () => call.phase === "settled",
      ).then(
        (result) => {
          if (call.phase !== "settled") options.ends.decided(call, result);
        },
        (error: unknown) => {
          if (call.phase !== "settled") options.ends.failed(call, failureOf(error));
        },
      );
    },
    peek(item, timeoutMs) {
      const check = wireCheck(item);
      return request(
        "GuardService/Peek",
        runtime.monotonicMs() + timeoutMs,
        null,
        (leftMs) => encodePeekRequest({ check, noForward: false, namespace, deadlineMs: leftMs }),
        (bytes) => {
          const { decision, stampUs } = decodePeekResponse(bytes);
          if (decision === undefined) throw new Error("no decision");
          return { decision, stampUs: Number(stampUs) };
        },
        () => {},
        () => false,
      );
    },
    topology(timeoutMs) {
      return request(
        "ClusterService/GetTopology",
        runtime.monotonicMs() + timeoutMs,
        null,
        encodeGetTopologyRequest,
        (bytes) => {
          const topology = readTopology(bytes);
          if ((topology.groups[0]?.leaderId ?? 0n) === 0n) throw new AttemptError(leaderless);
          return topology;
        },
        () => {},
        () => false,
      );
    },
    async topologyOf(endpoint, timeoutMs) {
      const bytes = await transport.unary({
        endpoint,
        method: "ClusterService/GetTopology",
        request: encodeGetTopologyRequest(),
        timeoutMs,
      });
      return decode(endpoint, bytes, readTopology);
    },
  };
}

function readTopology(bytes: Uint8Array): PlainMessage<Topology> {
  const { topology } = decodeGetTopologyResponse(bytes);
  if (topology === undefined) throw new Error("no topology");
  return topology;
}

const leaderless: AttemptFailure = {
  code: "unavailable",
  message: "the cluster has no leader at the moment",
  applied: "no",
  retryable: true,
  retryAfterMs: 0,
  detail: null,
};

function decode<T>(endpoint: string, bytes: Uint8Array, read: (bytes: Uint8Array) => T): T {
  try {
    return read(bytes);
  } catch (cause) {
    if (cause instanceof AttemptError) throw cause;
    throw new TransportError(
      "misconfigured",
      `${endpoint}: the answer is no message of quorumguard.v1; check the endpoint`,
      {
        cause,
      },
    );
  }
}

/** @throws {AttemptError} when an item has no decision. */
function readResult(bytes: Uint8Array, items: number, onPolicies: (version: number) => void): PlainMessage<CallResult> {
  const { results, policyVersion } = decodeAllowBatchResponse(bytes);
  const result = results[0];
  onPolicies(Number(policyVersion));
  if (result === undefined || result.decisions.length !== items) throw new Error("an answer for each check is due");
  for (const { outcome } of result.decisions) {
    if (outcome !== 0 && outcome < FIRST_FAILURE_OUTCOME) continue;
    const failure = failureOfOutcome(outcome);
    if (failure !== null) throw new AttemptError(failure);
  }
  return result;
}

function wireCheck(item: CallItem): PlainMessage<WireCheck> {
  const { limit, windowUs, algorithm, burst, policy } = item.rule;
  return {
    key: item.key,
    cost: item.cost,
    rule: { limit, windowUs: BigInt(windowUs), algorithm, burst, policy },
  };
}

/** A request id that nobody else has. */
export function randomId(runtime: Runtime): string {
  let text = "";
  for (const byte of runtime.randomBytes(16)) text += byte.toString(16).padStart(2, "0");
  return text;
}
