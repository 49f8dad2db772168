import type { Decision, Guard } from "@quorumguard/sdk-node";

/** Calls that go on until they are stopped, and what came of them. */
export interface SteadyCalls {
  readonly decisions: readonly Decision[];
  readonly errors: readonly unknown[];
  /** Resolves once `count` more calls were decided than were when this was asked. */
  more(count: number): Promise<void>;
  /** Resolves once no call is under way. */
  stop(): Promise<void>;
}

/** Several callers, each of which asks again as soon as it was answered. */
export function steadyCalls(call: () => Promise<Decision>, callers = 4): SteadyCalls {
  const decisions: Decision[] = [];
  const errors: unknown[] = [];
  const waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      await call().then(
        (decision) => decisions.push(decision),
        (error: unknown) => errors.push(error),
      );
      const ended = decisions.length + errors.length;
      for (const one of waiting) if (ended >= one.at) one.resolve();
    }
  };
  const running = Array.from({ length: callers }, run);
  return {
    decisions,
    errors,
    more: (count) => new Promise((resolve) => waiting.push({ at: decisions.length + errors.length + count, resolve })),
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** Takes until it is denied; resolves with how many were allowed. */
export async function takeAll(guard: Guard, key: string, limit: number, window: "1h" | "1d"): Promise<number> {
  for (let taken = 0; ; taken += 1) {
    const { allowed } = await guard.allow(key, limit, window, { onUnavailable: "throw" });
    if (!allowed) return taken;
  }
}
