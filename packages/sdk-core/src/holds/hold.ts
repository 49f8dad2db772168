import { Verb } from "@quorumguard/limiter";
import type { SessionLife } from "../session/session-life.ts";
import { atCaller } from "../surface/caller.ts";
import { checkWhole } from "../surface/check-fields.ts";
import { describe } from "../surface/describe.ts";
import type { Allowed, Hold, HoldSignal } from "../surface/guard.ts";
import { GuardError, isUnavailable } from "../surface/guard-error.ts";
import type { Runtime } from "../transport.ts";

/** Timers of platforms end at 2^31 milliseconds, and what is longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 30;

/** Every runtime has it, but not every runtime's types are at hand. */
declare const AbortController: new () => { readonly signal: unknown; abort(reason?: unknown): void };

/** One way of settling a hold. */
export interface Settlement {
  readonly verb: typeof Verb.commit | typeof Verb.cancel;
  readonly actual: number;
  /** Under which an attempt after a failed one is the same call. */
  readonly requestId: string;
}

/** What a hold is made of. */
export interface HoldParts {
  readonly runtime: Runtime;
  readonly key: string;
  /** What was reserved. */
  readonly cost: number;
  /** When it may end by itself, on the monotonic clock. Infinity: nothing is held. */
  readonly endsMs: number;
  /** The session that it ends with; null: none. */
  readonly life: SessionLife | null;
  /** Whether a settlement that was not answered in time goes on being tried. */
  readonly persistent: boolean;
  readonly newRequestId: () => string;
  settle(settlement: Settlement): Promise<void>;
}

/** The decision together with what it holds. */
export function withHold(decision: Allowed, parts: HoldParts): Allowed & Hold {
  let committed: Promise<void> | null = null;
  let cancelled: Promise<void> | null = null;
  /** The last one that was tried, and is tried again. */
  let settlement: Settlement | null = null;
  let watch: EndWatch | null = null;

  const perform = async (verb: Settlement["verb"], actual: number): Promise<void> => {
    watch?.stop();
    if (settlement?.verb !== verb || settlement.actual !== actual) {
      settlement = { verb, actual, requestId: parts.newRequestId() };
    }
    try {
      await parts.settle(settlement);
    } catch (error) {
      // Where nobody goes on trying, the caller may, and it is still the same call.
      if (!parts.persistent && error instanceof GuardError && isUnavailable(error.code)) {
        if (verb === Verb.commit) committed = null;
        else cancelled = null;
      }
      throw error instanceof GuardError && error.code === "not_held" ? endedBefore(verb, parts, error) : error;
    }
  };
  const commit = (actualCost?: number): Promise<void> => {
    try {
      const first = committed === null ? null : settlement!.actual;
      const actual = actualCost === undefined ? (first ?? parts.cost) : checkWhole(actualCost, "actualCost", 0);
      if (cancelled !== null) throw cancelledBefore(parts.key);
      if (first !== null && first !== actual) throw committedBefore(parts.key, first, actual);
      committed ??= perform(Verb.commit, actual);
      return committed;
    } catch (error) {
      return Promise.reject(atCaller(error, commit));
    }
  };
  const cancel = (): Promise<void> => {
    if (settlement?.verb === Verb.commit) return Promise.resolve();
    cancelled ??= perform(Verb.cancel, 0);
    return cancelled;
  };
  const dispose = async (): Promise<void> => {
    try {
      // A commit that was not answered is what its caller meant, and not that all comes back.
      if (settlement?.verb === Verb.commit) await (committed ?? commit(settlement.actual));
      else await cancel();
    } catch (error) {
      // It ends by itself, and the block's own result is worth more than how it was left.
      if (!(error instanceof GuardError) || !endsByItself(error)) throw error;
    }
  };
  return {
    ...decision,
    get signal() {
      watch ??= watchEnd(parts, settlement !== null);
      return watch.signal;
    },
    commit,
    cancel,
    [Symbol.asyncDispose]: dispose,
  };
}

function cancelledBefore(key: string): GuardError {
  const message =
    `commit: the reservation of ${describe(key)} was cancelled; cancel, and leaving the block of an await using, give all of it back: ` +
    "write `await reservation.commit(actualCost)` before either, and no cancel beside it";
  return new GuardError("not_held", message);
}

function committedBefore(key: string, first: number, actual: number): GuardError {
  const message =
    `actualCost: ${actual} is not the ${first} that the reservation of ${describe(key)} was committed with; it is settled once: ` +
    "add up what the work came to, and commit that";
  return new GuardError("invalid_argument", message, { details: { field: "actualCost", value: actual } });
}

/** The cluster knows of no such hold any more; whether its time was over is known here. */
function endedBefore(verb: Settlement["verb"], { runtime, key, endsMs }: HoldParts, cause: GuardError): GuardError {
  const name = verb === Verb.commit ? "commit" : "cancel";
  const late = runtime.monotonicMs() >= endsMs;
  const why = late ? "its time to live is over, so that an amount counts as spent and a slot is free" : cause.message;
  const message = `${name}: the reservation of ${describe(key)} is not open any more: ${why}; if the work takes longer, write reserve(check, { ttl: "5m" }), and stop it by reservation.signal`;
  return new GuardError("not_held", message, { applied: cause.applied, cause });
}

function endsByItself({ code }: GuardError): boolean {
  return isUnavailable(code) || code === "not_held" || code === "closed";
}

/** Tells a hold's owner when to stop. */
interface EndWatch {
  readonly signal: HoldSignal;
  stop(): void;
}

/** Aborts a signal before the hold can end, by its own time or its session's. Made only for those who ask for the signal. */
function watchEnd(parts: HoldParts, settled: boolean): EndWatch {
  const { runtime, key, endsMs, life } = parts;
  const controller = new AbortController();
  let cancelTimer = () => {};
  let unwatch = () => {};
  const stop = (): void => {
    cancelTimer();
    unwatch();
  };
  const look = (): void => {
    const nowMs = runtime.monotonicMs();
    const livesMs = life?.safeUntilMs ?? Number.POSITIVE_INFINITY;
    const lastMs = Math.min(endsMs, livesMs);
    if (nowMs >= lastMs) {
      stop();
      const why = livesMs < endsMs ? "the cluster may have forgotten its session" : "its time to live is over";
      controller.abort(new GuardError("not_held", `the reservation of ${describe(key)} is about to end: ${why}`));
      return;
    }
    cancelTimer();
    if (lastMs === Number.POSITIVE_INFINITY) return;
    cancelTimer = runtime.setTimer(look, Math.min(lastMs - nowMs, LONGEST_TIMER_MS), false);
  };
  if (!settled) {
    unwatch = life?.watch(look) ?? unwatch;
    look();
  }
  return { signal: controller.signal as HoldSignal, stop };
}
