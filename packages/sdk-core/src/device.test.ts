import { describe, expect, test } from "vitest";
import { PageScene } from "./testing/page-scene.ts";
import { TransportError } from "./transport.ts";

const unreachable = () => Promise.reject(new TransportError("unknown", "failed to fetch"));

describe("a device that says it is offline", () => {
  test("sends nothing to a cluster elsewhere: onUnavailable decides at once, and nothing was counted", async () => {
    const at = new PageScene({ timeoutMs: 3_000 });
    at.offline = true;
    at.cutOff = true;
    const startedMs = at.runtime.nowMs;
    expect(await at.ended(at.guard.allow("k", "login"))).toMatchObject({ code: "unavailable", applied: "no" });
    expect(await at.ended(at.guard.allow("k", "login", { onUnavailable: "deny" }))).toMatchObject({
      allowed: false,
      reason: "unavailable",
      degraded: true,
    });
    expect(at.runtime.nowMs).toBe(startedMs);
    expect(at.batches).toEqual([]);
  });

  test("is not believed where the cluster is on this machine: it is asked, once", async () => {
    const at = new PageScene({ timeoutMs: 3_000 });
    at.offline = true;
    expect(await at.ended(at.guard.allow("k", "login"))).toMatchObject({ allowed: true });
    at.intercept = unreachable;
    const startedMs = at.runtime.nowMs;
    const error = await at.ended(at.guard.allow("k", "login"));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("says that it is offline") });
    expect(at.runtime.nowMs).toBe(startedMs);
    expect(at.batches).toHaveLength(2);
  });

  test("and is back: calls go to the cluster from the first one on, and all of them", async () => {
    const at = new PageScene({ timeoutMs: 1_000 });
    at.intercept = unreachable;
    // Five in vain open the breaker, and the sixth one looks whether it was right.
    for (let call = 0; call < 6; call++) {
      const lost = at.guard.allow("k", "login").catch((error: unknown) => error);
      await at.runtime.pass(1_000);
      expect(await lost).toBeInstanceOf(Error);
    }
    const asked = at.batches.length;
    expect(await at.ended(at.guard.allow("k", "login"))).toMatchObject({ message: expect.stringContaining("breaker") });
    expect(at.batches.length).toBe(asked);
    at.intercept = () => null;
    // With this chance, a share of calls that grows to all of them would leave these out.
    at.runtime.chance = 0.99;
    at.returned();
    for (let call = 0; call < 10; call++) {
      expect(await at.ended(at.guard.allow("k", "login"))).toMatchObject({ allowed: true, degraded: false });
    }
  });

  test("and is back: whoever waits asks again at once", async () => {
    const at = new PageScene();
    at.cluster.decides = () => ({ outcome: 2, remaining: 0, resetAfterMs: 60_000n, retryAfterMs: 60_000n });
    const waiting = at.guard.wait({ key: "k", policy: "login" }, { timeoutMs: 90_000 });
    await at.runtime.settle();
    at.cluster.decides = () => ({});
    const startedMs = at.runtime.nowMs;
    at.returned();
    expect(await at.ended(waiting)).toMatchObject({ allowed: true });
    expect(at.runtime.nowMs).toBe(startedMs);
  });
});
