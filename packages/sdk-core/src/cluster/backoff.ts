import pRetry from "p-retry";
import { type Runtime, TransportError } from "../transport.ts";

/** The first delay's upper end; it doubles with every failure. */
export const BACKOFF_BASE_MS = 5;
/** The upper end of delays while somebody waits: a failover takes a few hundred milliseconds, and is not to be missed. */
export const BACKOFF_CAP_MS = 100;

/** The same while the breaker is open: nobody waits for the connection, but many would use it. */
export const SPARED_BACKOFF_CAP_MS = 300;
/** The same while nobody asks. */
export const IDLE_BACKOFF_CAP_MS = 1_000;

/** A delay with full jitter: anything from 0 to the doubled base, at least 1 so that time passes. */
export function backoffMs(failures: number, runtime: Pick<Runtime, "random">, capMs = BACKOFF_CAP_MS): number {
  const ceiling = Math.min(capMs, BACKOFF_BASE_MS * 2 ** Math.min(failures, 20));
  return Math.max(1, runtime.random() * ceiling);
}

/** How one series of attempts waits between them, and when it is given up. */
export interface RetryOptions {
  readonly runtime: Runtime;
  /** Upper end of the delay before the next attempt. */
  readonly capMs: () => number;
  /** The delay before the next attempt is no shorter. Default: 0. */
  readonly atLeastMs?: (error: TransportError) => number;
  /** Called after each failure; true gives the series up. */
  readonly onFailure?: (error: TransportError, attempt: number) => boolean;
  /** True: a caller waits for the result, so the process must not end during a delay. */
  readonly keepAlive: boolean;
  /** True once nobody wants the result. */
  readonly stopped: () => boolean;
  /** Receives what ends the current wait early. */
  readonly onWait?: (wake: () => void) => void;
}

/**
 * Attempts until one succeeds, or the series is given up. `p-retry` counts and decides; the waiting is done by the
 * injected runtime, so that a simulator's clock owns it.
 */
export function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { runtime } = options;
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    factor: 1,
    minTimeout: 0,
    maxTimeout: 0,
    shouldRetry: () => !options.stopped(),
    onFailedAttempt: async ({ error, attemptNumber }) => {
      const failure =
        error instanceof TransportError ? error : new TransportError("unknown", String(error), { cause: error });
      if (options.stopped() || options.onFailure?.(failure, attemptNumber)) throw failure;
      await new Promise<void>((resolve) => {
        const atLeastMs = options.atLeastMs?.(failure) ?? 0;
        const delayMs = Math.max(atLeastMs, backoffMs(attemptNumber, runtime, options.capMs()));
        const cancel = runtime.setTimer(resolve, delayMs, options.keepAlive);
        options.onWait?.(() => {
          cancel();
          resolve();
        });
      });
    },
  });
}
