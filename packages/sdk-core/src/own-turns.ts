import type { Decision, Denied } from "./surface/guard.ts";
import type { Runtime } from "./transport.ts";
import type { Line, Waiter } from "./waiting-line.ts";

/** Where each asks for itself, the next one looks so long after its turn may have come, in milliseconds; the one behind it after twice as long. */
const LOOK_MS = 25;
/** Those further behind look as often as the one in this place. */
const FURTHEST_PLACE = 40;
/** Who has not moved for so long after its time has gone with its request, in milliseconds. */
const LOST_AFTER_MS = 250;

/** What those who ask for themselves need of their lines. */
export interface OwnTurnsOptions {
  readonly runtime: Runtime;
  readonly askTimeoutMs: number;
  readonly ask: (waiter: Waiter) => Promise<Decision>;
  readonly endOf: (waiter: Waiter) => number;
  readonly give: (line: Line, waiter: Waiter, decision: Decision) => void;
  readonly denialNow: (line: Line, answer: Decision, waiter: Waiter) => Denied;
  readonly endInVain: (line: Line, waiter: Waiter, answer: Decision | null) => void;
  /** So many more wait. */
  readonly entered: (count: number) => void;
}

/** Each of a line asks in its own request, when it sees nobody before it any more. */
export interface OwnTurns {
  /** Waits for its turn, and gives it what it is told. */
  serve(line: Line, waiter: Waiter): Promise<void>;
  /** Those who have gone with their requests take up no room. */
  dropLost(line: Line): void;
}

/**
 * Where what one request began may end with it, unsettled, nothing of one waiter's is waited for: they see by the clock who is before
 * them, and who has gone.
 */
export function createOwnTurns(options: OwnTurnsOptions): OwnTurns {
  const { runtime, askTimeoutMs, ask, endOf, give, denialNow, endInVain } = options;

  const drop = (line: Line, waiter: Waiter): void => {
    line.waiters.delete(waiter);
    options.entered(-1);
  };
  /** Those before it that are still there, as far as they count; who has gone with its request is taken out. */
  const placeOf = (line: Line, waiter: Waiter, nowMs: number): number => {
    let place = 0;
    for (const other of line.waiters) {
      if (other === waiter || place === FURTHEST_PLACE) break;
      if (other.movesByMs >= nowMs) place += 1;
      else drop(line, other);
    }
    return place;
  };
  /** On a timer of its own request. */
  const rest = (waiter: Waiter, untilMs: number): Promise<void> =>
    new Promise((resolve) => {
      waiter.movesByMs = untilMs + LOST_AFTER_MS;
      const { release } = waiter;
      const cancel = runtime.setTimer(
        () => {
          waiter.release = release;
          resolve();
        },
        Math.max(1, untilMs - runtime.monotonicMs()),
        true,
      );
      waiter.release = () => {
        cancel();
        release();
      };
    });
  /** Asks for itself; when it may do so again, or null: it has its answer. */
  const askOnce = async (line: Line, waiter: Waiter): Promise<number | null> => {
    waiter.movesByMs = runtime.monotonicMs() + askTimeoutMs + LOST_AFTER_MS;
    waiter.asks = true;
    const decision = await ask(waiter).finally(() => {
      waiter.asks = false;
    });
    line.answer = decision;
    line.answeredAtMs = runtime.monotonicMs();
    line.pausesUntilMs = line.answeredAtMs + (decision.retryAfterMs ?? 0);
    const isDone = decision.allowed || decision.retryAfterMs === null || endOf(waiter) < line.pausesUntilMs;
    if (isDone) give(line, waiter, decision);
    return isDone ? null : line.pausesUntilMs;
  };
  const serve = async (line: Line, waiter: Waiter): Promise<void> => {
    const endsMs = endOf(waiter);
    let dueMs = runtime.monotonicMs();
    while (waiter.waits) {
      const nowMs = runtime.monotonicMs();
      // Who was late and taken for gone stands last.
      if (!line.waiters.has(waiter)) {
        line.waiters.add(waiter);
        options.entered(1);
      }
      const place = placeOf(line, waiter, nowMs);
      if (place === 0 && dueMs <= endsMs) {
        const againMs = await askOnce(line, waiter);
        if (againMs === null) return;
        dueMs = againMs;
      } else {
        const { answer, pausesUntilMs } = line;
        const isKnown = answer !== null && !answer.degraded;
        if (dueMs >= endsMs && (answer !== null || place === 0 || nowMs >= endsMs + askTimeoutMs)) {
          endInVain(line, waiter, answer);
          return;
        }
        if (isKnown && pausesUntilMs > nowMs && endsMs < pausesUntilMs) {
          give(line, waiter, denialNow(line, answer, waiter));
          return;
        }
        dueMs = Math.max(nowMs, pausesUntilMs) + LOOK_MS * place;
        if (nowMs < endsMs) dueMs = Math.min(dueMs, endsMs);
      }
      await rest(waiter, dueMs);
    }
  };

  return {
    serve,
    dropLost(line) {
      const nowMs = runtime.monotonicMs();
      for (const waiter of line.waiters) if (waiter.movesByMs < nowMs) drop(line, waiter);
      if (line.waiters.size === 0) line.forget();
    },
  };
}
