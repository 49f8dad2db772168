/** Calls that start when they are due, whatever became of those before them. */
export interface CallSchedule {
  /** Milliseconds from one due time to the next. */
  readonly intervalMs: number;
  /** How many calls start at each due time. */
  readonly callsAtOnce: number;
  /**
   * Starts one call. `dueAt` is when it should have started, by `performance.now()`: whoever counts latency from there
   * counts also what a busy machine made it wait (no coordinated omission). Must not reject.
   */
  readonly call: (dueAt: number) => Promise<void>;
}

/** Starts the schedule now. The function that it returns ends it and waits for the calls that are in flight. */
export function startSchedule({ intervalMs, callsAtOnce, call }: CallSchedule): () => Promise<void> {
  const inFlight = new Set<Promise<void>>();
  const startedAt = performance.now();
  let ticks = 0;
  let timer: NodeJS.Timeout;
  const dueAt = () => startedAt + ticks * intervalMs;

  const startDueCalls = () => {
    for (; dueAt() <= performance.now(); ticks += 1) {
      for (let i = 0; i < callsAtOnce; i += 1) {
        const running: Promise<void> = call(dueAt()).finally(() => inFlight.delete(running));
        inFlight.add(running);
      }
    }
    timer = setTimeout(startDueCalls, Math.max(0, dueAt() - performance.now()));
  };
  startDueCalls();
  return async () => {
    clearTimeout(timer);
    await Promise.all(inFlight);
  };
}
