import { beforeEach, describe, expect, test } from "vitest";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { type Breaker, type BreakerState, createBreaker } from "./breaker.ts";

let runtime: VirtualRuntime;
let reachable: boolean;
let changes: BreakerState[];
let breaker: Breaker;

beforeEach(() => {
  runtime = new VirtualRuntime();
  reachable = true;
  changes = [];
  breaker = createBreaker({
    runtime,
    timeoutMs: 1_000,
    reachable: () => reachable,
    onChange: (state) => changes.push(state),
  });
});

function fail(times: number, reason = "nobody leads"): void {
  for (let i = 0; i < times; i++) breaker.failed({}, () => reason);
}

/** Passes of a hundred calls, with as many random numbers between 0 and 1. */
function share(): number {
  let passed = 0;
  for (let i = 0; i < 100; i++) {
    runtime.chance = (i + 0.5) / 100;
    if (breaker.admit({}) === "pass") passed += 1;
  }
  return passed;
}

describe("a closed breaker", () => {
  test("lets calls pass, and opens after the fifth in a row that the cluster let down", () => {
    fail(4);
    expect(breaker.admit({})).toBe("pass");
    fail(1);
    expect(breaker.state).toBe("open");
    expect(changes).toEqual(["open"]);
  });

  test("starts to count anew at every answer", () => {
    fail(4);
    breaker.answered();
    runtime.nowMs += 10_000;
    fail(4);
    expect(breaker.state).toBe("closed");
  });

  test("takes a thousand calls that end at once for no outage while others were just answered", () => {
    breaker.answered();
    runtime.nowMs += 499;
    fail(1_000);
    expect(breaker.state).toBe("closed");
    runtime.nowMs += 1;
    fail(1);
    expect(breaker.state).toBe("open");
  });

  test("waits for a silence of no more than the guard's deadline", () => {
    const hasty = createBreaker({ runtime, timeoutMs: 20, reachable: () => true, onChange: () => {} });
    hasty.answered();
    runtime.nowMs += 20;
    for (let i = 0; i < 5; i++) hasty.failed({}, () => "");
    expect(hasty.state).toBe("open");
  });
});

describe("an open breaker", () => {
  beforeEach(() => fail(5));

  test("lets one call at a time look for the cluster", () => {
    const probe = {};
    expect(breaker.admit(probe)).toBe("probe");
    expect(breaker.admit({})).toBe("refuse");
    runtime.nowMs += 999;
    expect(breaker.admit({})).toBe("refuse");
    breaker.failed(probe, () => "still nobody");
    expect(breaker.admit({})).toBe("refuse");
    runtime.nowMs += 200;
    expect(breaker.admit({})).toBe("probe");
  });

  test("waits for a look no longer than it may take: a call whose request is over never ends", () => {
    breaker.admit({});
    runtime.nowMs += 1_000;
    expect(breaker.admit({})).toBe("probe");
    expect(breaker.admit({})).toBe("refuse");
  });

  test("lets nobody look while nobody is connected", () => {
    reachable = false;
    expect(breaker.admit({})).toBe("refuse");
    reachable = true;
    expect(breaker.admit({})).toBe("probe");
  });

  test("lets the next call look if the first one ended without a sign", () => {
    const probe = {};
    breaker.admit(probe);
    breaker.ended({});
    expect(breaker.admit({})).toBe("refuse");
    breaker.ended(probe);
    expect(breaker.admit({})).toBe("probe");
  });

  test("says since when, and what was wrong when it opened", () => {
    runtime.nowMs += 1_234;
    fail(3, "something later");
    expect(breaker.explain()).toBe(
      "the breaker is open since 1234 ms: the cluster did not decide, so this call was not sent (nobody leads)",
    );
  });

  test("begins to close at any answer, also to a call that was on its way before", () => {
    breaker.answered();
    expect(changes).toEqual(["open", "ramping"]);
  });
});

describe("a cluster that is back", () => {
  beforeEach(() => {
    fail(5);
    breaker.admit({});
    runtime.chance = 0.5;
    breaker.answered();
  });

  test("gets a tenth of the calls, then ever more, then all", () => {
    const shares: number[] = [];
    for (let at = 0; at <= 1_000; at += 250) {
      shares.push(share());
      runtime.nowMs += 250;
    }
    expect(shares).toEqual([10, 32, 55, 77, 100]);
    expect(changes).toEqual(["open", "ramping", "closed"]);
  });

  test("gets all of them after 0.8 to 1.2 s, so that clients are not in step", () => {
    for (const [chance, ends] of [
      [0, 800],
      [0.999, 1_200],
    ] as const) {
      const runtime = new VirtualRuntime();
      const own = createBreaker({ runtime, timeoutMs: 1_000, reachable: () => true, onChange: () => {} });
      for (let i = 0; i < 5; i++) own.failed({}, () => "");
      runtime.chance = chance;
      own.answered();
      runtime.nowMs += ends - 1;
      expect(own.state).toBe("ramping");
      runtime.nowMs += 1;
      expect(own.state).toBe("closed");
    }
  });

  test("is spared again at the first call that it lets down in silence, not at one that was late before", () => {
    runtime.nowMs += 400;
    fail(1);
    expect(breaker.state).toBe("ramping");
    runtime.nowMs += 100;
    fail(1, "gone again");
    expect(breaker.state).toBe("open");
    expect(breaker.explain()).toContain("gone again");
  });

  test("says to those that are not sent that it is back", () => {
    runtime.nowMs += 100;
    expect(breaker.explain()).toMatch(/decides again since 100 ms.*had been away: nobody leads/);
  });
});
