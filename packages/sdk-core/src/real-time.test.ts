import { Outcome } from "@quorumguard/proto";
import { expect, test } from "vitest";
import { createGuardCore } from "./create-guard-core.ts";
import { ScriptedCluster } from "./testing/scripted-cluster.ts";
import { VirtualRuntime } from "./testing/virtual-runtime.ts";
import { TransportError } from "./transport.ts";

const hourMs = 3_600_000;

/** Time that a test moves besides, as a test cluster does: deadlines stay where they are. */
class MovedRuntime extends VirtualRuntime {
  movedMs = 0;

  override monotonicMs(): number {
    return this.nowMs + this.movedMs;
  }

  realMs(): number {
    return this.nowMs;
  }

  readonly #pauses = new Set<() => void>();

  setPause(callback: () => void, delayMs: number): () => void {
    const cancelTimer = this.setTimer(callback, delayMs, true);
    this.#pauses.add(callback);
    return () => {
      cancelTimer();
      this.#pauses.delete(callback);
    };
  }

  move(ms: number): void {
    this.movedMs += ms;
    for (const end of [...this.#pauses]) end();
  }
}

/** A guard before a node that was there once; `end` says after how much real time a call ended. */
async function scene() {
  const [cluster, runtime] = [new ScriptedCluster(1), new MovedRuntime()];
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  const guard = createGuardCore({ onUnavailable: "throw", timeoutMs: 60_000 }, cluster, runtime, platform);
  const warm = guard.allow("k", 5, "1d");
  await runtime.settle();
  await warm;
  const end = (call: Promise<unknown>) => {
    const fromMs = runtime.nowMs;
    return call.then(
      () => "decided",
      () => runtime.nowMs - fromMs,
    );
  };
  const advance = async () => {
    runtime.move(hourMs);
    await runtime.settle();
  };
  return { cluster, runtime, guard, end, advance };
}

test("deadlines of calls that are under way, and of those that come, are not moved over", async () => {
  const { cluster, runtime, guard, end, advance } = await scene();
  cluster.nodes[0]!.answers = () => {};
  const early = [8_000, 1_000].map((timeoutMs) => end(guard.allow("k", 5, "1d", { timeoutMs })));
  await advance();
  const late = end(guard.allow("k", 5, "1d", { timeoutMs: 500 }));
  await runtime.pass(10_000);
  for (const [at, ms] of [8_000, 1_000].entries()) {
    expect(await early[at]).toBeGreaterThanOrEqual(ms);
    expect(await early[at]).toBeLessThan(ms + 10);
  }
  expect(await late).toBeGreaterThanOrEqual(500);
  expect(await late).toBeLessThan(510);
  await guard.close();
});

test("nor are those of calls with an id of their own, nor of questions", async () => {
  const { cluster, runtime, guard, end, advance } = await scene();
  cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "nobody there"));
  const call = end(guard.allow("k", 5, "1d", { requestId: "mine", timeoutMs: 8_000 }));
  const question = end(guard.peek({ key: "k", limit: 5, window: "1d" }));
  await advance();
  await runtime.pass(7_000);
  cluster.onUnary = (request) => Promise.resolve(cluster.defaultUnary(request));
  await runtime.pass(200);
  expect([await call, await question]).toEqual(["decided", "decided"]);
  await guard.close();
});

test("nor is the end of a wait", async () => {
  const { cluster, runtime, guard, end, advance } = await scene();
  const denied = { retryAfterMs: 30_000 };
  cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.LIMITED, 0, denied);
  const check = { key: "k", limit: 5, window: "1d" } as const;
  const first = end(guard.wait(check, { timeoutMs: 50_000 }));
  await runtime.pass(10);
  await advance();
  const second = end(guard.wait(check, { timeoutMs: 50_000 }));
  await runtime.pass(10);
  expect(await Promise.race([first, second, "waits"])).toBe("waits");
  cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.ALLOWED, 1, {});
  await runtime.pass(30_000);
  expect([await first, await second]).toEqual(["decided", "decided"]);
  await guard.close();
});
