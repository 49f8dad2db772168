import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import type { SessionId } from "../limiter.ts";
import { Algorithm, type Rule } from "../rule.ts";
import {
  batchOf,
  bucket,
  copyOf,
  Harness,
  type Item,
  type ItemResult,
  nonceOf,
  START_US,
  windowLog,
} from "../testing/harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const { allowed, limited, notHeld, holdsFull, needsReservation, keysFull } = Outcome;

function ruleOf(algorithm: Algorithm, limit: number, windowUs: number, policy = ""): Rule {
  return { algorithm, limit, windowUs, burst: 0, policy };
}
const slots = (limit: number, windowUs = 3_600 * second) => ruleOf(Algorithm.concurrency, limit, windowUs);
const fixed = (limit: number, windowUs: number) => ruleOf(Algorithm.fixedWindow, limit, windowUs);
const counter = (limit: number, windowUs: number) => ruleOf(Algorithm.slidingWindowCounter, limit, windowUs);

/** Ten in ten seconds, under every algorithm that counts a rate. */
const rates: [string, Rule][] = [
  ["a sliding-window log", windowLog(10, 10 * second)],
  ["a sliding-window counter", counter(10, 10 * second)],
  ["a fixed window", fixed(10, 10 * second)],
  ["a token bucket", bucket(10, 10 * second, 10)],
];

/** A client with a session, which numbers its calls. */
class Client {
  readonly #harness: Harness;
  readonly #nonce: number;
  readonly session: SessionId;
  #number = 0;

  constructor(harness: Harness, stampUs: number, nonce: number) {
    this.#harness = harness;
    this.#nonce = nonce;
    this.session = harness.session(stampUs, nonce);
  }

  /** A call with the next number, or again with an old one. */
  call(stampUs: number, item: Item, number = ++this.#number): ItemResult {
    const origin = { kind: "session", session: this.session, nonce: nonceOf(this.#nonce), ackedThrough: 0 } as const;
    return this.#harness.calls(stampUs, origin, batchOf([[item]], number))[0]!;
  }

  renew(stampUs: number): void {
    this.#harness.apply(stampUs, (writer) => void writer.renew(this.session, nonceOf(this.#nonce), 0));
  }

  goodbye(stampUs: number): void {
    this.#harness.apply(stampUs, (writer) => void writer.goodbye(this.session, nonceOf(this.#nonce)));
  }
}

/** How much `rule` would still admit at once. */
function free(harness: Harness, rule: Rule, stampUs: number, key = "k"): number {
  return harness.limiter.peek("n", rule, encodeUtf8(key), 1, stampUs).remaining[0]!;
}

describe("L1 a lease is charged when it is granted", () => {
  it.each(rates)("in %s: nobody else can take what was leased", (_name, rule) => {
    const harness = new Harness();
    const granted = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 7 });
    expect(granted).toMatchObject({ outcome: allowed, remaining: 3, handle: 1, firmForMs: 1_000 });
    expect(harness.take(START_US, "k", rule, 4).outcome).toBe(limited);
    expect(harness.take(START_US, "k", rule, 3).outcome).toBe(allowed);
  });

  it("in windows as of its end: a lease spent in its last moment lies in every window that follows", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10, ttlMs: 500 });
    expect(harness.take(START_US + 10_499_999, "k", rule).outcome).toBe(limited);
    expect(harness.take(START_US + 10_500_000, "k", rule).outcome).toBe(allowed);
  });

  it("never across a boundary of a fixed window, and not in what is left of one that is too short", () => {
    const harness = new Harness();
    const rule = fixed(10, 10 * second);
    const granted = harness.verb(START_US + 9_900_000, Verb.grant, { key: "k", rule, cost: 10 });
    expect(granted).toMatchObject({ outcome: allowed, firmForMs: 99 });
    expect(free(harness, rule, START_US + 9_999_999)).toBe(0);
    expect(free(harness, rule, START_US + 10 * second)).toBe(10);
    const late = harness.verb(START_US + 9_999_500, Verb.grant, { key: "j", rule });
    expect(late).toMatchObject({ outcome: limited, remaining: 10, retryAfterMs: 1 });
    expect(harness.verb(START_US + 10 * second, Verb.grant, { key: "j", rule }).outcome).toBe(allowed);
  });

  it("in buckets taken from level and capacity until it ends: nothing drains before, and nothing fits beside it", () => {
    const harness = new Harness();
    const rule = bucket(10, 10 * second, 10);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    expect(harness.take(START_US + second, "k", rule).outcome).toBe(limited);
    expect(harness.take(START_US + 1_999_999, "k", rule).outcome).toBe(limited);
    expect(harness.take(START_US + 2 * second, "k", rule).outcome).toBe(allowed);
  });

  it("`concurrency` grants none, and takes nothing either", () => {
    const harness = new Harness();
    expect(harness.verb(START_US, Verb.grant, { key: "k", rule: slots(5) }).outcome).toBe(needsReservation);
    expect(harness.take(START_US, "k", slots(5)).outcome).toBe(needsReservation);
    expect(harness.limiter.stats.keys).toBe(0);
  });

  it.each([
    [60 * second, 0, 1_000],
    [60 * second, 300, 300],
    [60 * second, 5_000, 1_000],
    [2 * second, 0, 200],
    [10_000, 0, 1],
  ])(
    "for no longer than a second and a tenth of the window: %i µs, asked for %i ms, gets %i ms",
    (windowUs, ttlMs, ms) => {
      const granted = new Harness().verb(START_US, Verb.grant, { key: "k", rule: windowLog(5, windowUs), ttlMs });
      expect(granted).toMatchObject({ outcome: allowed, firmForMs: ms });
    },
  );

  it("no window below ten milliseconds has one: a lease shorter than a millisecond could not be spent", () => {
    const granted = new Harness().verb(START_US, Verb.grant, { key: "k", rule: windowLog(5, 9_999) });
    expect(granted).toMatchObject({ outcome: limited, remaining: 5, retryAfterMs: NEVER, handle: 0 });
  });

  it.each(rates)("in %s, what was not spent comes back, and a second return does not", (_name, rule) => {
    const harness = new Harness();
    const { handle } = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    const back = { key: "k", rule, handle, cost: 6 };
    expect(harness.verb(START_US + 1, Verb.giveBack, back)).toMatchObject({ outcome: allowed, remaining: 6 });
    expect(harness.verb(START_US + 1, Verb.giveBack, back).outcome).toBe(notHeld);
    expect(harness.verb(START_US + 1, Verb.commit, back).outcome).toBe(notHeld);
    expect(free(harness, rule, START_US + 1)).toBe(6);
  });

  it("a lease is ended by a return alone, and a reservation by a commit or a cancel alone", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    const lease = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 4 });
    const reservation = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 4 });
    for (const verb of [Verb.commit, Verb.cancel]) {
      expect(harness.verb(START_US, verb, { key: "k", rule, handle: lease.handle }).outcome).toBe(notHeld);
    }
    const back = harness.verb(START_US, Verb.giveBack, { key: "k", rule, handle: reservation.handle, cost: 4 });
    expect(back.outcome).toBe(notHeld);
    expect(free(harness, rule, START_US)).toBe(2);
  });

  it.each(rates)("in %s, a return never gives more than the lease", (_name, rule) => {
    const harness = new Harness();
    harness.take(START_US, "k", rule, 5);
    const { handle } = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 3 });
    expect(harness.verb(START_US, Verb.giveBack, { key: "k", rule, handle, cost: 9 }).remaining).toBe(5);
  });

  it("a return after the end gives nothing: what a dead client may have spent counts", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    const { handle } = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    const late = harness.verb(START_US + second, Verb.giveBack, { key: "k", rule, handle, cost: 10 });
    expect(late.outcome).toBe(notHeld);
    expect(free(harness, rule, START_US + second)).toBe(0);
    expect(harness.limiter.stats).toMatchObject({ leases: 0, leasesEnded: 1 });
  });
});

describe("L2 a jump of the stamp moves the ends and charges of outstanding leases with it", () => {
  it.each(rates)("in %s: a grant whose reply was late is not spent for free after the jump", (_name, rule) => {
    const harness = new Harness();
    const { handle } = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    const jumpUs = START_US + 600 * second;
    harness.apply(jumpUs, () => {}, true);
    expect(harness.take(jumpUs + 999_999, "k", rule).outcome).toBe(limited);
    expect(harness.verb(jumpUs + 999_999, Verb.giveBack, { key: "k", rule, handle, cost: 4 }).outcome).toBe(allowed);
    expect(free(harness, rule, jumpUs + 999_999)).toBe(4);
  });

  it("the charge counts one window from the moved end", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    const jumpUs = START_US + 600 * second + 300_000;
    harness.apply(START_US + 300_000);
    harness.apply(jumpUs, () => {}, true);
    expect(free(harness, rule, jumpUs + 10_699_999)).toBe(0);
    expect(free(harness, rule, jumpUs + 10_700_000)).toBe(10);
  });

  it("a lease moved across a boundary of fixed windows counts on both sides", () => {
    const harness = new Harness();
    const rule = fixed(10, 10 * second);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    const jumpUs = START_US + 9_500_000;
    harness.apply(jumpUs, () => {}, true);
    expect(free(harness, rule, jumpUs)).toBe(0);
    expect(free(harness, rule, START_US + 10 * second)).toBe(0);
    expect(free(harness, rule, START_US + 20 * second)).toBe(10);
  });

  it("a takeover without a jump moves no lease", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    harness.apply(START_US, () => {}, true);
    expect(free(harness, rule, START_US + 10_999_999)).toBe(0);
    expect(free(harness, rule, START_US + 11 * second)).toBe(10);
  });
});

describe("L3 reset and limit cuts keep what is outstanding counted", () => {
  it.each(rates)("in %s: a reset forgets takes, not leases and reservations", (_name, rule) => {
    const harness = new Harness();
    harness.take(START_US, "k", rule, 4);
    const lease = harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 2 });
    const reservation = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 3 });
    expect(free(harness, rule, START_US)).toBe(1);
    expect(harness.verb(START_US + 1, Verb.reset, { key: "k", rule })).toMatchObject({
      outcome: allowed,
      remaining: 5,
    });
    const back = { key: "k", rule, handle: lease.handle, cost: 2 };
    expect(harness.verb(START_US + 2, Verb.giveBack, back).remaining).toBe(7);
    const cancel = { key: "k", rule, handle: reservation.handle };
    expect(harness.verb(START_US + 2, Verb.cancel, cancel).remaining).toBe(10);
  });

  it("slots outlive a reset", () => {
    const harness = new Harness();
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule: slots(2) });
    expect(harness.verb(START_US, Verb.reset, { key: "k", rule: slots(2) }).remaining).toBe(1);
    expect(harness.verb(START_US, Verb.commit, { key: "k", rule: slots(2), handle }).remaining).toBe(2);
  });

  it("a reset of a settled hold leaves nothing behind", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 8 });
    harness.verb(START_US, Verb.commit, { key: "k", rule, handle, cost: 8 });
    harness.verb(START_US, Verb.reset, { key: "k", rule });
    expect(free(harness, rule, START_US)).toBe(10);
    expect(harness.limiter.stats.keys).toBe(0);
  });

  it.each([
    ["a sliding-window log", (limit: number) => windowLog(limit, 10 * second, "p")],
    ["a token bucket", (limit: number) => bucket(limit, 10 * second, limit, "p")],
  ])("in %s: under a smaller limit, what was reserved and leased under the larger one still counts", (_name, of) => {
    const harness = new Harness();
    harness.verb(START_US, Verb.grant, { key: "k", rule: of(10), cost: 4 });
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule: of(10), cost: 4 });
    expect(free(harness, of(5), START_US)).toBe(0);
    expect(free(harness, of(9), START_US)).toBe(1);
    harness.verb(START_US, Verb.cancel, { key: "k", rule: of(5), handle });
    expect(free(harness, of(5), START_US)).toBe(1);
  });

  it("spends stay within the lease: no reset frees room for a second one beside it", () => {
    const harness = new Harness();
    const rule = bucket(10, 10 * second, 10);
    harness.verb(START_US, Verb.grant, { key: "k", rule, cost: 10 });
    for (let i = 0; i < 3; i++) {
      harness.verb(START_US + i, Verb.reset, { key: "k", rule });
      expect(harness.verb(START_US + i, Verb.grant, { key: "k", rule }).outcome).toBe(limited);
    }
  });
});

describe("R1 reservations", () => {
  it("an open reservation is withheld from a bucket: reserve 10, wait for a refill, take 10, cancel, take 10", () => {
    const harness = new Harness();
    const rule = bucket(10, 10 * second, 10);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10, ttlMs: 60_000 });
    const laterUs = START_US + 20 * second;
    expect(harness.take(laterUs, "k", rule, 10).outcome).toBe(limited);
    harness.verb(laterUs, Verb.cancel, { key: "k", rule, handle });
    expect(harness.take(laterUs, "k", rule, 10).outcome).toBe(allowed);
    expect(harness.take(laterUs, "k", rule).outcome).toBe(limited);
  });

  it.each(rates.slice(0, 3))(
    "in %s, a cancel gives nothing back once its charge is not counted any more",
    (_name, rule) => {
      const harness = new Harness();
      const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10, ttlMs: 60_000 });
      const laterUs = START_US + 20 * second;
      expect(harness.take(laterUs, "k", rule, 10).outcome).toBe(allowed);
      expect(harness.verb(laterUs, Verb.cancel, { key: "k", rule, handle })).toMatchObject({
        outcome: allowed,
        remaining: 0,
      });
      expect(harness.take(laterUs, "k", rule).outcome).toBe(limited);
    },
  );

  it.each(rates)("in %s, a commit of less gives back the difference", (_name, rule) => {
    const harness = new Harness();
    const reserved = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10 });
    expect(reserved).toMatchObject({ outcome: allowed, remaining: 0, firmForMs: 10_000 });
    const commit = { key: "k", rule, handle: reserved.handle, cost: 3 };
    expect(harness.verb(START_US + 1, Verb.commit, commit)).toMatchObject({ outcome: allowed, remaining: 7 });
    expect(harness.verb(START_US + 1, Verb.commit, commit).outcome).toBe(notHeld);
    expect(harness.verb(START_US + 1, Verb.cancel, commit).outcome).toBe(notHeld);
  });

  it.each(rates)(
    "in %s, a commit above the reserved amount is a debt, which must be worked off first",
    (_name, rule) => {
      const harness = new Harness();
      const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 2 });
      const commit = { key: "k", rule, handle, cost: 12 };
      expect(harness.verb(START_US, Verb.commit, commit)).toMatchObject({ outcome: allowed, remaining: 0 });
      const denied = harness.take(START_US, "k", rule);
      expect(denied.outcome).toBe(limited);
      const retryUs = denied.retryAfterMs * 1_000;
      expect(harness.take(START_US + retryUs - 1_000, "k", rule).outcome).toBe(limited);
      expect(harness.take(START_US + retryUs, "k", rule).outcome).toBe(allowed);
    },
  );

  it.each(rates)("in %s, a reservation that nobody settles counts as spent", (_name, rule) => {
    const harness = new Harness();
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10, ttlMs: 500 });
    expect(free(harness, rule, START_US + 500_000)).toBe(0);
    const late = harness.verb(START_US + 500_000, Verb.cancel, { key: "k", rule, handle });
    expect(late.outcome).toBe(notHeld);
    expect(free(harness, rule, START_US + 500_000)).toBe(0);
    expect(harness.limiter.stats).toMatchObject({ reservations: 0, reservationsEnded: 1 });
  });

  it("a hold is found by number and key, in its own namespace", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10 });
    harness.take(START_US, "j", rule);
    expect(harness.verb(START_US, Verb.cancel, { key: "j", rule, handle }).outcome).toBe(notHeld);
    expect(harness.verb(START_US, Verb.cancel, { key: "none", rule, handle }).outcome).toBe(notHeld);
    expect(harness.verb(START_US, Verb.cancel, { key: "k", rule, handle: handle + 1 }).outcome).toBe(notHeld);
    const elsewhere = batchOf([[{ key: "k", rule, handle, verb: Verb.cancel }]]);
    expect(harness.calls(START_US, { kind: "anonymous", namespace: "m" }, elsewhere)[0]!.outcome).toBe(notHeld);
    expect(harness.verb(START_US, Verb.cancel, { key: "k", rule, handle }).outcome).toBe(allowed);
  });

  it("a denial on a key with open holds is not firm: they may come back at any moment (D2)", () => {
    const harness = new Harness();
    const rule = windowLog(10, 10 * second);
    harness.take(START_US, "full", rule, 10);
    expect(harness.take(START_US, "full", rule).firmForMs).toBeGreaterThan(9_000);
    harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10 });
    expect(harness.take(START_US, "k", rule)).toMatchObject({ outcome: limited, firmForMs: 0 });
    expect(harness.verb(START_US, Verb.reserve, { key: "k", rule })).toMatchObject({ outcome: limited, firmForMs: 0 });
  });
});

describe("R2 a slot is a reservation held by a session", () => {
  const rule = slots(1);
  const slot = { key: "k", rule, verb: Verb.reserve };

  it("is free as soon as its holder says goodbye", () => {
    const harness = new Harness();
    const holder = new Client(harness, START_US, 1);
    const other = new Client(harness, START_US, 2);
    expect(holder.call(START_US, slot)).toMatchObject({ outcome: allowed, remaining: 0, firmForMs: 3_600_000 });
    expect(other.call(START_US, slot)).toMatchObject({ outcome: limited, retryAfterMs: 3_600_000, firmForMs: 0 });
    holder.goodbye(START_US + 1);
    expect(other.call(START_US + 1, slot).outcome).toBe(allowed);
  });

  it("is free at the stamp at which its holder is dead, in an entry that follows a long silence", () => {
    const harness = new Harness({ sessionTtlUs: 10 * second });
    new Client(harness, START_US, 1).call(START_US, slot);
    const ask = (stampUs: number) => harness.verb(stampUs, Verb.reserve, { key: "k", rule }).outcome;
    expect(ask(START_US + 10 * second)).toBe(limited);
    expect(ask(START_US + 10 * second + 1)).toBe(allowed);
  });

  it("lives on while its holder is heard of, and no longer than its own time", () => {
    const harness = new Harness({ sessionTtlUs: 10 * second });
    const holder = new Client(harness, START_US, 1);
    holder.call(START_US, { ...slot, ttlMs: 25_000 });
    const ask = (stampUs: number) => harness.verb(stampUs, Verb.reserve, { key: "k", rule, ttlMs: 1 }).outcome;
    for (let at = 6; at < 25; at += 6) {
      holder.renew(START_US + at * second);
      expect(ask(START_US + at * second + 5 * second - 1)).toBe(at < 20 ? limited : allowed);
    }
  });

  it("outside a session has its time alone", () => {
    const harness = new Harness({ sessionTtlUs: second });
    const reserve = (stampUs: number) => harness.verb(stampUs, Verb.reserve, { key: "k", rule, ttlMs: 60_000 }).outcome;
    expect(reserve(START_US)).toBe(allowed);
    expect(reserve(START_US + 59_999_999)).toBe(limited);
    expect(reserve(START_US + 60_000_000)).toBe(allowed);
  });

  it("is settled by its holder alone", () => {
    const harness = new Harness();
    const holder = new Client(harness, START_US, 1);
    const other = new Client(harness, START_US, 2);
    const { handle } = holder.call(START_US, slot);
    const commit = { key: "k", rule, handle, verb: Verb.commit };
    expect(other.call(START_US, commit).outcome).toBe(notHeld);
    expect(harness.verb(START_US, Verb.commit, commit).outcome).toBe(notHeld);
    expect(holder.call(START_US, commit)).toMatchObject({ outcome: allowed, remaining: 1 });
  });

  it("of a session that settles in any order, the rest ends with the session", () => {
    const harness = new Harness();
    const many = slots(6);
    const holder = new Client(harness, START_US, 1);
    const handles = Array.from({ length: 6 }, () => holder.call(START_US, { ...slot, rule: many }).handle);
    for (const which of [2, 0, 5]) {
      holder.call(START_US, { key: "k", rule: many, handle: handles[which]!, verb: Verb.cancel });
    }
    expect(free(harness, many, START_US)).toBe(3);
    holder.goodbye(START_US + 1);
    expect(free(harness, many, START_US + 1)).toBe(6);
    expect(harness.limiter.stats).toMatchObject({ slots: 0, slotsEnded: 3 });
  });

  it("what is held of a rate outlives its session until its own time, and is nobody's", () => {
    const harness = new Harness();
    const rate = bucket(10, 10 * second, 10);
    const holder = new Client(harness, START_US, 1);
    const { handle } = holder.call(START_US, { key: "k", rule: rate, cost: 10, verb: Verb.reserve, ttlMs: 5_000 });
    holder.goodbye(START_US + 1);
    expect(harness.verb(START_US + 2, Verb.cancel, { key: "k", rule: rate, handle }).outcome).toBe(notHeld);
    expect(free(harness, rate, START_US + 4_999_999)).toBe(0);
    expect(free(harness, rate, START_US + 6_000_000)).toBe(1);
    harness.apply(START_US + 5_000_000);
    expect(harness.limiter.stats).toMatchObject({ reservations: 0, reservationsEnded: 1 });
  });

  it("thousands of slots of one dead session are free for the very next call, whatever a sweep gets done", () => {
    const harness = new Harness({ sessionTtlUs: second, maxHoldsPerSession: 5_000 });
    const many = slots(3_000);
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const calls = Array.from({ length: 3_000 }, () => [{ key: "k", rule: many, verb: Verb.reserve }]);
    const opened = harness.calls(START_US, origin, batchOf(calls, 1));
    expect(opened.every((each) => each.outcome === allowed)).toBe(true);
    const whole = harness.verb(START_US + second + 1, Verb.reserve, { key: "k", rule: many, cost: 3_000 });
    expect(whole).toMatchObject({ outcome: allowed, remaining: 0 });
    expect(harness.limiter.stats).toMatchObject({ slots: 1, slotsEnded: 3_000 });
  });
});

describe("S5 a takeover", () => {
  it("after ten minutes without power frees no slot under a running holder", () => {
    const harness = new Harness();
    const rule = slots(1, 120 * second);
    const holder = new Client(harness, START_US, 1);
    const { handle } = holder.call(START_US, { key: "k", rule, verb: Verb.reserve });
    harness.apply(START_US + 100 * second - 60 * second);
    const backUs = START_US + 600 * second;
    harness.apply(backUs, () => {}, true);
    expect(harness.verb(backUs, Verb.reserve, { key: "k", rule }).outcome).toBe(limited);
    holder.renew(backUs + 30 * second);
    expect(harness.verb(backUs + 60 * second, Verb.reserve, { key: "k", rule }).outcome).toBe(limited);
    expect(holder.call(backUs + 60 * second, { key: "k", rule, handle, verb: Verb.commit }).outcome).toBe(allowed);
  });

  it("lets a reservation that was open live for its whole time from its stamp on", () => {
    const harness = new Harness();
    const rule = bucket(10, 10 * second, 10);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule, cost: 10, ttlMs: 20_000 });
    harness.apply(START_US + 19 * second);
    const backUs = START_US + 600 * second;
    harness.apply(backUs, () => {}, true);
    expect(free(harness, rule, backUs + 19_999_999)).toBe(0);
    const cancel = { key: "k", rule, handle };
    expect(harness.verb(backUs + 19_999_999, Verb.cancel, cancel)).toMatchObject({ outcome: allowed, remaining: 10 });
  });

  it("revives nothing that was over, swept or not", () => {
    const harness = new Harness({ sessionTtlUs: 5 * second });
    const rule = slots(2);
    new Client(harness, START_US, 1).call(START_US, { key: "k", rule, verb: Verb.reserve });
    harness.verb(START_US, Verb.reserve, { key: "k", rule, ttlMs: 5_000 });
    const leased = windowLog(10, 10 * second);
    const { handle } = harness.verb(START_US, Verb.grant, { key: "j", rule: leased, cost: 10 });
    harness.apply(START_US + 6 * second);
    const backUs = START_US + 600 * second;
    harness.apply(backUs, () => {}, true);
    expect(free(harness, rule, backUs)).toBe(2);
    expect(free(harness, leased, backUs)).toBe(10);
    const back = harness.verb(backUs, Verb.giveBack, { key: "j", rule: leased, handle, cost: 10 });
    expect(back.outcome).toBe(notHeld);
  });

  it("revives none of thousands that were over, though one sweep does not get through them", () => {
    const harness = new Harness();
    const rule = slots(3_000);
    const calls = Array.from({ length: 3_000 }, () => [{ key: "k", rule, verb: Verb.reserve, ttlMs: 1_000 }]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls));
    harness.apply(START_US + second);
    expect(harness.limiter.stats.slots).toBeGreaterThan(0);
    harness.apply(START_US + second, () => {}, true);
    expect(harness.limiter.stats.slots).toBe(0);
    expect(free(harness, rule, START_US + second)).toBe(3_000);
  });

  it("leaves it to later entries to find out when thousands end now: none ends earlier, and all end in their order", () => {
    const harness = new Harness({ sessionTtlUs: 5 * second });
    const rule = slots(4_000);
    const holder = new Client(harness, START_US, 1);
    for (let i = 0; i < 100; i++) holder.call(START_US, { key: "k", rule, verb: Verb.reserve, ttlMs: 3_600_000 });
    const calls = Array.from({ length: 3_000 }, (_, i) => [
      { key: i % 2 === 0 ? "k" : `own-${i}`, rule, verb: Verb.reserve, ttlMs: 1_000 + (i % 3) * 1_000 },
    ]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls));
    const backUs = START_US + 600 * second;
    harness.apply(backUs, () => {}, true);
    const copy = copyOf(harness.limiter);
    for (let turn = 0; turn < 5; turn++) harness.apply(backUs + turn);
    expect(harness.limiter.stats).toMatchObject({ slots: 3_100, slotsEnded: 0 });
    expect(harness.limiter.nextDueUs()).toBe(backUs + second);
    const left = [3_999_999, 4_000_000].map((sinceUs) => free(harness, rule, backUs + sinceUs));
    expect(left).toEqual([3_900, 3_900]);
    for (const [sinceUs, open] of [
      [second - 1, 3_100],
      [second, 2_100],
      [2 * second, 1_100],
      [3 * second, 100],
      [5 * second, 100],
      [5 * second + 1, 0],
    ] as const) {
      for (let turn = 0; turn < 4; turn++) harness.apply(backUs + sinceUs);
      expect([sinceUs, harness.limiter.stats.slots]).toEqual([sinceUs, open]);
    }
    for (const { index, bytes } of harness.entries.filter(({ index: at }) => at > copy.appliedIndex)) {
      copy.apply(index, bytes);
    }
    expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
  });

  it("extends nothing that the first entry after the takeover would have found over at the preceding stamp", () => {
    const harness = new Harness();
    const rule = slots(1);
    harness.verb(START_US, Verb.reserve, { key: "k", rule, ttlMs: 5_000 });
    harness.take(START_US + 5 * second, "other", windowLog(1, second));
    harness.apply(START_US + 5 * second, () => {}, true);
    expect(free(harness, rule, START_US + 5 * second)).toBe(1);
  });
});

describe("retries", () => {
  const rule = windowLog(10, 10 * second);

  it("a reserve that is sent again under its number returns the same handle and withholds once", () => {
    const harness = new Harness();
    const client = new Client(harness, START_US, 1);
    const first = client.call(START_US, { key: "k", rule, cost: 4, verb: Verb.reserve });
    const again = client.call(START_US + 5, { key: "k", rule, cost: 4, verb: Verb.reserve }, 1);
    expect(again).toEqual(first);
    expect(free(harness, rule, START_US + 5)).toBe(6);
    expect(harness.limiter.stats.reservations).toBe(1);
  });

  it("a commit that is sent again under its number settles once", () => {
    const harness = new Harness();
    const client = new Client(harness, START_US, 1);
    const { handle } = client.call(START_US, { key: "k", rule, cost: 10, verb: Verb.reserve });
    const commit = { key: "k", rule, cost: 4, handle, verb: Verb.commit };
    const first = client.call(START_US + 1, commit, 2);
    expect(first).toMatchObject({ outcome: allowed, remaining: 6 });
    harness.take(START_US + 1, "k", rule, 6);
    expect(client.call(START_US + 2, commit, 2)).toEqual(first);
    expect(free(harness, rule, START_US + 2)).toBe(0);
  });

  it("under request ids, too, and a grant and a return like them", () => {
    const harness = new Harness();
    const ask = (stampUs: number, requestId: string, item: Item) => {
      const origin = { kind: "request", namespace: "n", identity: "i", requestId } as const;
      return harness.calls(stampUs, origin, batchOf([[item]]))[0]!;
    };
    const grant = { key: "k", rule, cost: 10, verb: Verb.grant };
    const granted = ask(START_US, "a", grant);
    expect(ask(START_US + 1, "a", grant)).toEqual(granted);
    const back = { key: "k", rule, cost: 10, handle: granted.handle, verb: Verb.giveBack };
    expect(ask(START_US + 2, "b", back)).toMatchObject({ outcome: allowed, remaining: 10 });
    harness.take(START_US + 2, "k", rule, 10);
    expect(ask(START_US + 3, "b", back)).toMatchObject({ outcome: allowed, remaining: 10 });
    expect(free(harness, rule, START_US + 3)).toBe(0);
    expect(ask(START_US + 3, "c", back).outcome).toBe(notHeld);
  });
});

describe("bounds", () => {
  const rule = windowLog(100, 10 * second);
  const reserve = { key: "k", rule, verb: Verb.reserve, ttlMs: 1_000 };

  it("one hold too many is refused, charges nothing, and is counted; one that is over makes room", () => {
    const harness = new Harness({ maxHolds: 3 });
    for (let i = 0; i < 3; i++) expect(harness.verb(START_US, Verb.reserve, reserve).outcome).toBe(allowed);
    expect(harness.verb(START_US, Verb.reserve, reserve)).toMatchObject({ outcome: holdsFull, handle: 0 });
    expect(harness.verb(START_US, Verb.grant, { key: "new", rule }).outcome).toBe(holdsFull);
    expect(harness.limiter.stats).toMatchObject({ keys: 1, reservations: 3, holdsFull: 2 });
    expect(free(harness, rule, START_US)).toBe(97);
    expect(harness.verb(START_US + second, Verb.reserve, reserve).outcome).toBe(allowed);
  });

  it("one session's holds have their own bound", () => {
    const harness = new Harness({ maxHoldsPerSession: 2 });
    const client = new Client(harness, START_US, 1);
    const { handle } = client.call(START_US, reserve);
    client.call(START_US, reserve);
    expect(client.call(START_US, reserve).outcome).toBe(holdsFull);
    expect(new Client(harness, START_US, 2).call(START_US, reserve).outcome).toBe(allowed);
    client.call(START_US, { key: "k", rule, handle, verb: Verb.cancel });
    expect(client.call(START_US, reserve).outcome).toBe(allowed);
  });

  it("bounds change through the log, and none outside their range", () => {
    const harness = new Harness();
    const { bounds } = harness.limiter;
    expect(bounds).toMatchObject({ maxHolds: 100_000, maxHoldsPerSession: 1_024 });
    harness.apply(START_US, (writer) => void writer.bounds({ ...bounds, maxHolds: 1 }));
    harness.verb(START_US, Verb.reserve, reserve);
    expect(harness.verb(START_US, Verb.reserve, reserve).outcome).toBe(holdsFull);
    expect(() => new Harness({ maxHolds: 0 })).toThrow(/maxHolds is 0; it must be an integer from 1 to 10000000/);
  });

  it("a key with an open hold is not freed, however full the table: its hold can still be settled", () => {
    const harness = new Harness({ maxKeys: 1 });
    const short = windowLog(10, second);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule: short, cost: 10, ttlMs: 60_000 });
    const laterUs = START_US + 30 * second;
    for (let i = 0; i < 5; i++) harness.apply(laterUs + i);
    expect(harness.take(laterUs + 5, "other", short).outcome).toBe(keysFull);
    const commit = { key: "k", rule: short, handle, cost: 14 };
    expect(harness.verb(laterUs + 5, Verb.commit, commit)).toMatchObject({ outcome: allowed, remaining: 6 });
    expect(harness.take(START_US + 60 * second, "other", short).outcome).toBe(allowed);
  });

  it("a hold follows its key's block, which moves when it grows", () => {
    const harness = new Harness();
    const wide = windowLog(1_000, 1_000 * second);
    const { handle } = harness.verb(START_US, Verb.reserve, { key: "k", rule: wide, cost: 100, ttlMs: 900_000 });
    for (let i = 1; i <= 300; i++) harness.take(START_US + i * second, "k", wide);
    const back = harness.verb(START_US + 301 * second, Verb.cancel, { key: "k", rule: wide, handle });
    expect(back).toMatchObject({ outcome: allowed, remaining: 700 });
  });

  it("thousands of keys and holds that are over at once are freed in turns, and nothing of them is left", () => {
    const harness = new Harness();
    const short = windowLog(10, second);
    const many = (tag: string) =>
      Array.from({ length: 3_000 }, (_, i) => [{ key: `${tag}${i}`, rule: short, verb: Verb.reserve, ttlMs: 1_000 }]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(many("a")));
    harness.apply(START_US + second);
    expect(harness.limiter.stats.reservations).toBeGreaterThan(1_000);
    harness.calls(START_US + second, { kind: "anonymous", namespace: "n" }, batchOf(many("b")));
    for (let turn = 0; turn < 4; turn++) harness.apply(START_US + second);
    expect(harness.limiter.stats).toMatchObject({ reservations: 3_000, reservationsEnded: 3_000 });
    for (let i = 0; i < 3_000; i += 100) {
      const reset = harness.verb(START_US + second, Verb.reset, { key: `b${i}`, rule: short });
      expect(reset).toMatchObject({ outcome: allowed, remaining: 9 });
    }
    for (let turn = 0; turn < 10; turn++) harness.apply(START_US + (3 + turn) * second);
    expect(harness.limiter.stats).toMatchObject({ keys: 0, reservations: 0, reservationsEnded: 6_000 });
    expect(harness.limiter.nextDueUs()).toBeNull();
  });

  it("what is due says when, and once nothing is held, nothing is due", () => {
    const harness = new Harness({ sessionTtlUs: 10 * second });
    new Client(harness, START_US, 1).call(START_US, { key: "k", rule: slots(1), verb: Verb.reserve, ttlMs: 3_600_000 });
    harness.verb(START_US, Verb.reserve, { key: "j", rule, ttlMs: 2_000 });
    expect(harness.limiter.nextDueUs()).toBe(START_US + 2 * second);
    harness.apply(START_US + 2 * second);
    expect(harness.limiter.stats.reservations).toBe(0);
    expect(copyOf(harness.limiter).nextDueUs()).toBe(harness.limiter.nextDueUs());
    let turns = 0;
    for (
      let due = harness.limiter.nextDueUs();
      due !== null && turns < 50;
      due = harness.limiter.nextDueUs(), turns++
    ) {
      harness.apply(due);
    }
    expect(turns).toBeLessThan(10);
    expect(harness.limiter.stats).toMatchObject({ keys: 0, sessions: 0, slots: 0, reservations: 0, slotsEnded: 1 });
  });
});
