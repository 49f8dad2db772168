import { GuardError } from "../surface/guard-error.ts";
import type { Runtime } from "../transport.ts";

/** Callers of `ready` who wait for a leader. */
export interface ReadyWaiters {
  readonly count: number;
  /** Waits; rejects when the time is up. */
  wait(timeoutMs: number): Promise<void>;
  resolve(): void;
  reject(error: GuardError): void;
}

/** Nobody waits yet. `describe` says what is in the way. */
export function createReadyWaiters(runtime: Runtime, describe: () => string): ReadyWaiters {
  const waiters = new Set<(error: GuardError | null) => void>();
  const end = (error: GuardError | null) => {
    for (const waiter of waiters) waiter(error);
  };
  return {
    get count() {
      return waiters.size;
    },
    wait: (timeoutMs) =>
      new Promise<void>((resolve, reject) => {
        const waiter = (error: GuardError | null): void => {
          waiters.delete(waiter);
          cancel();
          if (error === null) resolve();
          else reject(error);
        };
        const late = () => waiter(new GuardError("unavailable", `no leader within ${timeoutMs} ms (${describe()})`));
        const cancel = runtime.setTimer(late, timeoutMs, true);
        waiters.add(waiter);
      }),
    resolve: () => end(null),
    reject: end,
  };
}
