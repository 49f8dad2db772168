import {
  type CallResult,
  decodeAllowBatchResponse,
  encodeAllowBatchRequest,
  type PlainMessage,
  type Call as WireCall,
  type Check as WireCheck,
} from "@quorumguard/proto";
import { attemptEnded, type Call, type CallItem } from "../calls/call.ts";
import { FIRST_FAILURE_OUTCOME } from "../calls/decisions.ts";
import { type AttemptFailure, failureOfOutcome } from "../calls/wire-errors.ts";
import type { AbortSignalLike } from "../surface/guard.ts";
import type { Runtime } from "../transport.ts";
import { AttemptError } from "./attempt-error.ts";

/**
 * For so long after its first send a call is sent under its id, by whichever clock says more: the cluster remembers ids for a minute of
 * its own time, a hundredth of which may be missing, and an attempt takes its way.
 */
export const REPEATABLE_MS = 55_000;

/** Where the ends of calls go; each call ends once, as with sessions. */
export interface RequestEnds {
  decided(call: Call, result: PlainMessage<CallResult>): void;
  failed(call: Call, failure: AttemptFailure): void;
}

/** What the calls of a batch have in common. */
export interface CallBatchOptions {
  readonly runtime: Runtime;
  readonly namespace: string;
  readonly ends: RequestEnds;
  /** The node that answered has applied this version of the policies; 0: nothing is set. */
  readonly onPolicies: (version: number) => void;
}

/** A call as it travels, under one request id however often it is sent. */
export interface Parcel {
  readonly call: Call;
  readonly wire: PlainMessage<WireCall>;
}

/** A call that was not sent yet, with an id that nobody else has unless it has its own. */
export function createParcel(call: Call, runtime: Runtime): Parcel {
  const { verb, ttlMs, handle } = call;
  const checks = (call.group ?? [call]).map(wireCheck);
  const requestId = call.requestId ?? randomId(runtime);
  return { call, wire: { checks, requestId, verb, ttlMs: BigInt(ttlMs), handle: BigInt(handle) } };
}

/**
 * Calls that travel in one request, each under its own request id. Each ends by itself: what is decided is not sent again with
 * what is not, and who gives up takes nobody along.
 */
export interface CallBatch {
  /** Those without an end. */
  readonly open: readonly Parcel[];
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignalLike;
  /** For how many milliseconds its calls may be sent again; without bound while none of them can have been applied. */
  readonly repeatableMs: () => number;
  /** The next attempt, of the calls that are open now. */
  readonly encode: (timeoutMs: number, endpoint: string) => Uint8Array;
  /** Ends what this answer ends. @throws {AttemptError} when calls are left that another attempt may decide. */
  readonly read: (bytes: Uint8Array) => void;
  /** The attempt brought these calls no end. */
  readonly attemptFailed: (failure: AttemptFailure) => void;
  /** One of the callers gave up. */
  readonly left: () => void;
}

/** Makes a batch of calls, none of which is on its way. */
export function createCallBatch(parcels: readonly Parcel[], options: CallBatchOptions): CallBatch {
  const { runtime, namespace, ends, onPolicies } = options;
  const signal = new BatchSignal();
  const open = () => parcels.filter(({ call }) => call.phase !== "settled");
  /** What the attempt that is on its way carries, in this order. */
  let sent: readonly Parcel[] = [];

  return {
    get open() {
      return open();
    },
    signal,
    repeatableMs() {
      const [nowMs, wallMs] = [runtime.monotonicMs(), runtime.wallMs()];
      // A device that sleeps may stop the one clock, and whoever sets the other may turn it back.
      const ages = open().map(({ call }) =>
        call.applied === "no" ? Number.NEGATIVE_INFINITY : Math.max(nowMs - call.sentMs, wallMs - call.sentWallMs),
      );
      return REPEATABLE_MS - Math.max(...ages);
    },
    encode(timeoutMs, endpoint) {
      sent = open();
      const firstAttempt = sent.every(({ call }) => call.sends === 0 && call.requestId === null);
      for (const { call } of sent) {
        // What surely was not applied left nothing that could be forgotten.
        if (call.applied === "no") {
          call.sentMs = runtime.monotonicMs();
          call.sentWallMs = runtime.wallMs();
        }
        call.sends += 1;
        call.observer?.sent?.(endpoint, call.sends, 0);
        call.phase = "inFlight";
      }
      return encodeAllowBatchRequest({
        calls: sent.map(({ wire }) => wire),
        noForward: false,
        deadlineMs: timeoutMs,
        namespace,
        firstAttempt,
      });
    },
    read(bytes) {
      const { results, policyVersion } = decodeAllowBatchResponse(bytes);
      if (results.length !== sent.length) throw new Error("an answer for each call is due");
      for (const [at, { wire }] of sent.entries()) {
        if (results[at]!.decisions.length !== wire.checks.length) throw new Error("an answer for each check is due");
      }
      onPolicies(Number(policyVersion));
      let toRepeat: AttemptFailure | null = null;
      for (const [at, { call }] of sent.entries()) {
        if (call.phase === "settled") continue;
        const failure = failureIn(results[at]!);
        if (failure === null) ends.decided(call, results[at]!);
        else if (failure.retryable) toRepeat = failure;
        else {
          endAttempt(call, failure);
          ends.failed(call, failure);
        }
      }
      if (toRepeat !== null) throw new AttemptError(toRepeat);
    },
    attemptFailed(failure) {
      // Those that are open were on their way, or waited for what a request needs: then nothing was sent.
      for (const { call } of open()) endAttempt(call, failure);
    },
    left() {
      if (open().length === 0) signal.abort();
    },
  };
}

/** The checks of an item as they travel. */
export function wireCheck(item: CallItem): PlainMessage<WireCheck> {
  const { limit, windowUs, algorithm, burst, policy } = item.rule;
  return {
    key: item.key,
    cost: item.cost,
    rule: { limit, windowUs: BigInt(windowUs), algorithm, burst, policy },
  };
}

function endAttempt(call: Call, failure: AttemptFailure): void {
  attemptEnded(call, failure.applied, failure.message, failure.code === "overloaded");
  call.phase = "toResend";
}

/** Why a result is no decision; null: it is one. */
function failureIn({ decisions }: PlainMessage<CallResult>): AttemptFailure | null {
  for (const { outcome } of decisions) {
    if (outcome !== 0 && outcome < FIRST_FAILURE_OUTCOME) continue;
    const failure = failureOfOutcome(outcome);
    if (failure !== null) return failure;
  }
  return null;
}

/** A request id that nobody else has. */
export function randomId(runtime: Runtime): string {
  let text = "";
  for (const byte of runtime.randomBytes(16)) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** A signal that needs nothing of the platform's. */
class BatchSignal implements AbortSignalLike {
  aborted = false;
  readonly #listeners = new Set<() => void>();

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}
