import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, retrying } from "../cluster/backoff.ts";
import { createRetryBudget } from "../cluster/retry-budget.ts";
import { createClusterView } from "../cluster/topology.ts";
import { resolveRule } from "../surface/resolved-rule.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError } from "../transport.ts";
import { type Call, createCall, take } from "./call.ts";
import { createCallQueue } from "./call-queue.ts";
import { createCallWindow } from "./call-window.ts";
import { createPendingCalls } from "./pending-calls.ts";

const rule = resolveRule({ limit: 1, window: "1s" }, "");

function makeCall(key = "k", deadlineMs = 0): Call {
  const nobody = {
    requestId: null,
    onUnavailable: "throw",
    resolve: () => {},
    reject: () => {},
    observer: null,
  } as const;
  return createCall({ key, rule, cost: 1 }, null, take, { ...nobody, deadlineMs, timeoutMs: 1_000 });
}

test("the queue gives calls in order, and forgets those that ended, however many come during an outage", () => {
  const queue = createCallQueue();
  for (let i = 0; i < 10_000; i++) {
    const call = makeCall(`${i}`);
    queue.push(call);
    if (i % 1_000 === 0) continue;
    call.phase = "settled";
    queue.dropped();
  }
  expect(queue.length).toBeLessThan(200);
  const keys: string[] = [];
  for (let call = queue.peek(); call !== null; call = queue.peek()) {
    keys.push(call.key);
    queue.shift();
  }
  expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => `${i * 1_000}`));
});

test("the window acknowledges exactly the settled prefix, whatever the order of answers", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 60 }), (order) => {
      const window = createCallWindow();
      const calls = order.map(() => makeCall());
      for (const call of calls) window.add(call);
      const open = calls.slice();
      for (const pick of order) {
        const [call] = open.splice(pick % open.length, 1);
        call!.phase = "settled";
        window.advance();
        const prefix = calls.findIndex((each) => each.phase !== "settled");
        expect(window.ackedThrough).toBe(prefix === -1 ? calls.length : prefix);
        expect(window.span).toBe(calls.length - window.ackedThrough);
      }
      expect(window.get(calls.length)).toBe(null);
    }),
    { numRuns: 100 },
  );
});

test("nothing holds a call that has its answer, however few came after it", async () => {
  // Not by name: this package knows no platform, and its tests run on one.
  const [v8, vm, timers] = await Promise.all(["v8", "vm", "timers/promises"].map((name) => import(`node:${name}`)));
  v8.setFlagsFromString("--expose-gc");
  const [queue, window] = [createCallQueue(), createCallWindow()];
  const pass = (): WeakRef<Call> => {
    const call = makeCall();
    queue.push(call);
    queue.push(makeCall());
    queue.shift();
    window.add(call);
    window.add(makeCall());
    call.phase = "settled";
    window.advance();
    return new WeakRef(call);
  };
  const settled = pass();
  // Who made the reference keeps what it means until its turn is over.
  await timers.setImmediate();
  vm.runInNewContext("gc")();
  expect(settled.deref()).toBe(undefined);
  expect([queue.peek()?.phase, window.span]).toEqual(["queued", 1]);
});

test("what is sent again goes in runs of consecutive numbers", () => {
  const window = createCallWindow();
  const calls = Array.from({ length: 6 }, () => makeCall());
  for (const call of calls) {
    window.add(call);
    call.phase = "toResend";
  }
  calls[2]!.phase = "settled";
  expect(window.nextResend(10).map(({ number }) => number)).toEqual([1, 2]);
  for (const call of calls.slice(0, 2)) call.phase = "inFlight";
  expect(window.nextResend(2).map(({ number }) => number)).toEqual([4, 5]);
});

test("deadlines: each call ends once, in time, and one timer serves them all", async () => {
  const runtime = new VirtualRuntime();
  const ended: [string, number][] = [];
  const pending = createPendingCalls(runtime, (call) => {
    ended.push([call.key, runtime.nowMs]);
    pending.remove(call);
  });
  for (const ms of [300, 100, 200]) pending.add(makeCall(`${ms}`, runtime.nowMs + ms));
  const early = makeCall("answered", runtime.nowMs + 50);
  pending.add(early);
  pending.remove(early);
  await runtime.pass(400);
  expect(ended.map(([key]) => key)).toEqual(["100", "200", "300"]);
  for (const [key, at] of ended) expect(at - 1_000 - Number(key)).toBeLessThanOrEqual(5);
  expect({ count: pending.count, alive: runtime.keepsAlive }).toEqual({ count: 0, alive: false });
});

/** Calls that each have a timer of their own, as at the edge, and the keys of those that it ended. */
function onOwnTimers() {
  const runtime = new VirtualRuntime();
  const ended: string[] = [];
  const pending = createPendingCalls(
    runtime,
    (call) => {
      ended.push(call.key);
      pending.remove(call);
    },
    false,
  );
  return { runtime, pending, ended };
}

test("where timers die with their request, calls whose time is over by the clock take up no room", async () => {
  const { runtime, pending, ended } = onOwnTimers();
  for (const key of ["a", "b"]) pending.add(makeCall(key, runtime.nowMs + 1_000));
  runtime.endRequest();
  runtime.nowMs += 900;
  const last = makeCall("c", runtime.nowMs + 1_000);
  pending.add(last);
  expect(pending.exceeds(2)).toBe(true);
  runtime.nowMs += 500;
  expect([pending.exceeds(2), pending.count]).toEqual([false, 1]);
  await runtime.pass(1_000);
  expect([ended, pending.count]).toEqual([["c"], 0]);
});

test("a call whose timer is only late ends by it, once, though it did not count any more", async () => {
  const { runtime, pending, ended } = onOwnTimers();
  for (const key of ["late", "later"]) pending.add(makeCall(key, runtime.nowMs + 1_000));
  runtime.nowMs += 5_000;
  expect(pending.exceeds(0)).toBe(false);
  pending.add(makeCall("next", runtime.nowMs + 1_000));
  await runtime.pass(0);
  expect([ended, pending.count]).toEqual([["late", "later"], 1]);
});

test("back-off has full jitter between 1 ms and a doubling ceiling of at most 100 ms", () => {
  const runtime = new VirtualRuntime();
  runtime.chance = 1;
  expect([0, 1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, runtime))).toEqual([5, 10, 20, 40, 80, 100, 100]);
  runtime.chance = 0;
  expect(backoffMs(50, runtime)).toBe(1);
});

test("retries wait on the injected clock alone, and stop when nobody wants the result", async () => {
  const runtime = new VirtualRuntime();
  let attempts = 0;
  let stopped = false;
  const series = retrying(
    () => {
      attempts += 1;
      return Promise.reject(new TransportError("not-sent", `attempt ${attempts}`));
    },
    { runtime, keepAlive: false, capMs: () => 100, stopped: () => stopped },
  ).catch((error: Error) => error.message);
  await runtime.settle();
  expect(attempts).toBe(1);
  await runtime.pass(1_000);
  expect(attempts).toBeGreaterThan(10);
  stopped = true;
  await runtime.pass(200);
  expect(await series).toBe(`attempt ${attempts}`);
});

test("the retry budget runs dry after failures alone, and recovers with successes", () => {
  const budget = createRetryBudget();
  for (let i = 0; i < 9; i++) budget.failed();
  expect(budget.dry).toBe(false);
  budget.failed();
  expect(budget.dry).toBe(true);
  budget.succeeded();
  expect(budget.dry).toBe(false);
});

test("hints are monotone: the view never goes back to an older term, in any order of news", () => {
  const news = fc.record({ term: fc.nat(20), leaderId: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(news, { maxLength: 40 }), (claims) => {
      const view = createClusterView(() => "");
      for (const { term, leaderId } of claims) {
        const before = view.term;
        view.hint({ term, leaderId, endpoint: "" });
        expect(view.term).toBeGreaterThanOrEqual(before);
      }
      const best = Math.max(0, ...claims.filter(({ leaderId }) => leaderId !== 0).map(({ term }) => term));
      expect(view.term).toBe(best);
    }),
    { numRuns: 100 },
  );
});
