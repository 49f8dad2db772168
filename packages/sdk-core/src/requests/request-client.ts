import {
  decodeGetTopologyResponse,
  decodePeekResponse,
  encodeGetTopologyRequest,
  encodePeekRequest,
  type PlainMessage,
  type Topology,
  type Decision as WireDecision,
} from "@quorumguard/proto";
import type { Call, CallItem } from "../calls/call.ts";
import type { AttemptFailure } from "../calls/wire-errors.ts";
import { retrying } from "../cluster/backoff.ts";
import { realMs } from "../real-time.ts";
import { type Runtime, type Transport, TransportError, type UnaryCall } from "../transport.ts";
import { AttemptError, failureOf } from "./attempt-error.ts";
import {
  type CallBatch,
  createCallBatch,
  createParcel,
  type Parcel,
  REPEATABLE_MS,
  type RequestEnds,
  wireCheck,
} from "./call-batch.ts";
import { createRequestEndpoints } from "./request-endpoints.ts";

/** No attempt is shorter than this, unless the deadline is. */
const MIN_ATTEMPT_MS = 100;
/** By so much a platform's timer may be early, in milliseconds. */
const TIMER_MS = 1;

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
  /** Calls of one turn that may travel together; 1: each is sent at once, and alone. */
  readonly maxCallsPerRequest: number;
  /** Whether this device says that it has no network: what fails then is not tried again. */
  readonly isOffline: () => boolean;
}

/** Calls under a request id each, so that any endpoint may be asked again (SEMANTICS S7). */
export interface RequestClient {
  submit(call: Call): void;
  /** Its caller has an answer of another kind: its request ends, unless others travel in it. */
  forget(call: Call): void;
  /** Ends all requests that carry calls. */
  close(): void;
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

/** What is asked, of endpoint after endpoint. */
interface Question<T> {
  readonly method: UnaryCall["method"];
  readonly deadlineMs: number;
  readonly build: (timeoutMs: number, endpoint: string) => Uint8Array;
  readonly read: (bytes: Uint8Array) => T;
  /** The calls that it carries, if it does. */
  readonly batch: CallBatch | null;
}

/** How long an attempt may take: with the longest deadline there is time for another one, and no node finds it too long. */
function attemptMs(leftMs: number): number {
  const sharedMs = soonMs(leftMs);
  return Math.min(sharedMs, Math.max(MIN_ATTEMPT_MS, Math.ceil(sharedMs / 2)));
}

/** A deadline as a single attempt may have it: nodes take none that is longer than ten minutes. */
export function soonMs(timeoutMs: number): number {
  return Math.min(timeoutMs, REPEATABLE_MS);
}

/** A client that tries endpoint after endpoint until a call's deadline. */
export function createRequestClient(options: RequestClientOptions): RequestClient {
  const { transport, runtime, namespace } = options;
  const endpoints = createRequestEndpoints(options.endpoints, runtime, options.onMisconfigured);

  /** Attempts until the deadline; every attempt but the last leaves time for another endpoint. */
  const request = <T>({ method, deadlineMs, build, read, batch }: Question<T>): Promise<T> => {
    let endpoint = "";
    let shortUntilMs = Number.POSITIVE_INFINITY;
    let telling = "";
    /** The last attempt before a deadline may get next to no time: that it came to nothing says less than what went wrong before. */
    const toldBy = (error: unknown): unknown => {
      const failure = failureOf(error);
      if (telling !== "" && realMs(runtime) >= shortUntilMs) {
        return new AttemptError({ ...failure, message: telling });
      }
      telling = failure.message;
      return error;
    };
    const repeatableMs = () => batch?.repeatableMs() ?? Number.POSITIVE_INFINITY;
    const left = () => Math.max(1, Math.ceil(Math.min(deadlineMs - realMs(runtime), repeatableMs())));
    return retrying(
      async () => {
        // Before the request is made: what waits for a token was not sent.
        const token = await transport.token?.(attemptMs(left()));
        // The device may have slept meanwhile.
        if (repeatableMs() <= 0) throw new AttemptError(forgotten(telling));
        endpoint = options.preferred() ?? endpoints.current();
        const timeoutMs = attemptMs(left());
        const message = build(timeoutMs, endpoint);
        options.onAsk(endpoint);
        shortUntilMs = timeoutMs < MIN_ATTEMPT_MS ? realMs(runtime) + timeoutMs - TIMER_MS : Number.POSITIVE_INFINITY;
        const signal = batch === null ? {} : { signal: batch.signal };
        const call = { endpoint, method, request: message, timeoutMs, ...signal };
        const bytes = await transport.unary(call, token).catch((error: unknown) => Promise.reject(toldBy(error)));
        const result = decode(endpoint, bytes, read);
        endpoints.answered(endpoint);
        return result;
      },
      {
        runtime,
        keepAlive: true,
        stopped: () => batch?.open.length === 0 || realMs(runtime) >= deadlineMs,
        capMs: () => Math.min(100, left()),
        atLeastMs: (error) => pauseMs(failureOf(error)),
        onFailure: (error) => {
          const failure = failureOf(error);
          batch?.attemptFailed(failure);
          // Another endpoint may be right where this one is a mistake; a refused token is every node's answer.
          const final =
            failure.code === "misconfigured"
              ? endpoints.mistaken(endpoint, failure)
              : failure.retryable
                ? null
                : failure;
          if (final !== null) throw new AttemptError(final);
          if (repeatableMs() <= 0) throw new AttemptError(forgotten(failure.message));
          // To wait for the deadline only would tell the caller the same, later.
          if (pauseMs(failure) >= left()) throw new AttemptError(failure);
          if (options.isOffline()) {
            throw new AttemptError({ ...failure, message: `${failure.message}; this device says that it is offline` });
          }
          endpoints.failed(endpoint);
          return false;
        },
      },
    );
  };

  const batches = new Map<Call, CallBatch>();
  let gathered: Call[] = [];

  const send = (parcels: readonly Parcel[]): void => {
    const batch = createCallBatch(parcels, { runtime, namespace, ends: options.ends, onPolicies: options.onPolicies });
    for (const { call } of parcels) batches.set(call, batch);
    const over = (): void => {
      for (const { call } of parcels) batches.delete(call);
    };
    const deadlineMs = Math.max(...parcels.map(({ call }) => call.deadlineMs));
    const { encode: build, read } = batch;
    request({ method: "GuardService/AllowBatch", deadlineMs, build, read, batch }).then(over, (error: unknown) => {
      over();
      const failure = failureOf(error);
      const { open } = batch;
      // One call of several was refused, and nobody says which: each is asked for by itself, under the id that it has.
      const isForEach = parcels.length > 1 && isAboutOneCall(failure);
      for (const parcel of open) {
        if (isForEach) send([parcel]);
        else options.ends.failed(parcel.call, failure);
      }
    });
  };
  const sendGathered = (): void => {
    const open = gathered.filter(({ phase }) => phase !== "settled");
    gathered = [];
    for (let at = 0; at < open.length; at += options.maxCallsPerRequest) {
      send(open.slice(at, at + options.maxCallsPerRequest).map((call) => createParcel(call, runtime)));
    }
  };

  return {
    submit(call) {
      // An id of the caller's own may be what its token is for.
      if (options.maxCallsPerRequest === 1 || call.requestId !== null) send([createParcel(call, runtime)]);
      else if (gathered.push(call) === 1) runtime.endOfTurn(sendGathered);
    },
    forget: (call) => batches.get(call)?.left(),
    close() {
      for (const batch of new Set(batches.values())) batch.left();
    },
    peek(item, timeoutMs) {
      const check = wireCheck(item);
      return request({
        method: "GuardService/Peek",
        deadlineMs: realMs(runtime) + timeoutMs,
        build: (deadlineMs) => encodePeekRequest({ check, noForward: false, namespace, deadlineMs }),
        read: (bytes) => {
          const { decision, stampUs } = decodePeekResponse(bytes);
          if (decision === undefined) throw new Error("no decision");
          return { decision, stampUs: Number(stampUs) };
        },
        batch: null,
      });
    },
    topology(timeoutMs) {
      return request({
        method: "ClusterService/GetTopology",
        deadlineMs: realMs(runtime) + timeoutMs,
        build: encodeGetTopologyRequest,
        read: (bytes) => {
          const topology = readTopology(bytes);
          if ((topology.groups[0]?.leaderId ?? 0n) === 0n) throw new AttemptError(leaderless);
          return topology;
        },
        batch: null,
      });
    },
    async topologyOf(endpoint, timeoutMs) {
      const bytes = await transport.unary({
        endpoint,
        method: "ClusterService/GetTopology",
        request: encodeGetTopologyRequest(),
        timeoutMs: soonMs(timeoutMs),
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

/** The cluster may have counted the call and no longer know its id: sent once more, it would count again. */
function forgotten(trouble: string): AttemptFailure {
  return {
    code: "timed_out",
    message: `no answer within the ${REPEATABLE_MS / 1_000} s in which the call could be sent again; whether it was counted is not known (${trouble})`,
    applied: "unknown",
    retryable: false,
    retryAfterMs: 0,
    detail: null,
  };
}

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

/** How long nodes that have too much to do ask to be left alone. During an election nobody waits for longer than a try takes. */
function pauseMs({ code, retryAfterMs }: AttemptFailure): number {
  return code === "overloaded" ? retryAfterMs : 0;
}

/** Whether it is the call that was refused, and not whoever made it. */
function isAboutOneCall({ code }: AttemptFailure): boolean {
  return code === "permission_denied" || code === "invalid_argument";
}
