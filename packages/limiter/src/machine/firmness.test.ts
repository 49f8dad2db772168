import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { createResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const minute = 60 * second;
const day = 1_440 * minute;
const firm = (us: number) => Math.floor(us / 1_010);
const ban = { denials: 2, windowMs: 60_000, durationsMs: [20_000], forgetAfterMs: 600_000 };
const api = { name: "api", algorithm: "sliding-window-log", limit: 1, windowMs: 60_000 } as const;

/** What a take is told by an entry of this stamp, and what the leader answers from applied state: null, if nothing. */
function told(harness: PolicyHarness, rule: Rule, stampUs = START_US, cost = 1) {
  const into = createResultColumns(1);
  const denies = harness.limiter.denies("n", batchOf([[{ key: "k", rule, cost }]]), 0, stampUs, into, 0);
  const leader = denies ? { outcome: into.outcomes[0]!, firmForMs: into.firmForMs[0]! } : null;
  const { outcome, firmForMs } = harness.take(stampUs, "k", rule, cost);
  return { quorum: { outcome, firmForMs }, leader };
}

/** What a question is told. */
function peeked({ limiter }: PolicyHarness, rule: Rule, stampUs = START_US, cost = 1) {
  const { outcomes, firmForMs } = limiter.peek("n", rule, encodeUtf8("k"), cost, stampUs);
  return { outcome: outcomes[0]!, firmForMs: firmForMs[0]! };
}

/** Both sources say the same. */
const both = (outcome: number, firmForMs: number) => ({
  quorum: { outcome, firmForMs },
  leader: { outcome, firmForMs },
});
/** The leader leaves it to the log. */
const quorumOnly = (outcome: number, firmForMs: number) => ({ quorum: { outcome, firmForMs }, leader: null });

describe("D2 a denial is firm", () => {
  const rule = windowLog(1, minute);

  it("until the same call would be admitted, by the fastest stamps", () => {
    const harness = new PolicyHarness();
    harness.take(START_US, "k", rule);
    expect(told(harness, rule, START_US + 10 * second)).toEqual(both(Outcome.limited, firm(50 * second)));
  });

  it.each([
    ["a limit of 0", windowLog(0, minute), 1, minute],
    ["a cost above the limit", rule, 2, minute],
    ["a limit of 0 by the year", windowLog(0, 400 * day), 1, 400 * day],
  ])("for a window at a time, if no waiting cures it: %s", (_name, each, cost, forUs) => {
    expect(told(new PolicyHarness(), each, START_US, cost)).toEqual(both(Outcome.limited, firm(forUs)));
  });

  it.each([Verb.reserve, Verb.grant])("never, while something is held: it may come back at once (verb %i)", (verb) => {
    const harness = new PolicyHarness();
    const { handle } = harness.ask(START_US, verb, "k", rule);
    expect(peeked(harness, rule)).toEqual({ outcome: Outcome.limited, firmForMs: 0 });
    expect(told(harness, rule)).toEqual(both(Outcome.limited, 0));
    const end = verb === Verb.grant ? Verb.giveBack : Verb.cancel;
    harness.ask(START_US, end, "k", rule, { handle });
    expect(told(harness, rule)).toEqual(quorumOnly(Outcome.allowed, 0));
  });

  it("again, once what was held was spent", () => {
    const harness = new PolicyHarness();
    const { handle } = harness.ask(START_US, Verb.reserve, "k", rule);
    harness.ask(START_US, Verb.commit, "k", rule, { handle });
    expect(peeked(harness, rule)).toEqual({ outcome: Outcome.limited, firmForMs: firm(minute) });
    expect(told(harness, rule)).toEqual(both(Outcome.limited, firm(minute)));
  });

  it("never of slots: they come back whenever their holders are done", () => {
    const harness = new PolicyHarness();
    const slots = { ...windowLog(1, minute), algorithm: Algorithm.concurrency };
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const reserve = [{ key: "k", rule: slots, verb: Verb.reserve }];
    const tooMany = { outcome: Outcome.limited, firmForMs: 0 };
    expect(peeked(harness, slots, START_US, 2)).toEqual(tooMany);
    expect(harness.ask(START_US, Verb.reserve, "k", slots, { cost: 2 })).toMatchObject(tooMany);
    const results = harness.calls(START_US, origin, batchOf([reserve, reserve], 1));
    expect(results).toMatchObject([{ outcome: Outcome.allowed }, { outcome: Outcome.limited, firmForMs: 0 }]);
    expect(told(harness, slots)).toEqual(quorumOnly(Outcome.needsReservation, 0));
  });

  it.each([0, 5])("of a key that waits for its rule as the call's own, with %i of it held", (held) => {
    const harness = new PolicyHarness();
    harness.change(putPolicy({ ...api, limit: 10 }));
    harness.take(START_US, "k", byName("api"), 10 - held);
    if (held > 0) harness.ask(START_US, Verb.reserve, "k", byName("api"), { cost: held });
    harness.change(putPolicy({ ...api, windowMs: 120_000, limit: 10 }));
    const foreseen = peeked(harness, byName("api"));
    expect(foreseen).toEqual({ outcome: Outcome.limited, firmForMs: held > 0 ? 0 : firm(2 * minute) });
    expect(told(harness, byName("api")).quorum).toEqual(foreseen);
  });

  it.each([1, 10, 3_600])(
    "never of a bucket whose rate callers bring, one of %i an hour too: the next may bring a faster",
    (limit) => {
      const harness = new PolicyHarness();
      const [old, mine, fast] = [10, limit, 3_600_000].map((each) => bucket(each, 60 * minute, 100, "mail")) as [
        Rule,
        Rule,
        Rule,
      ];
      harness.take(START_US, "k", old, 95);
      expect(peeked(harness, mine, START_US, 10)).toEqual({ outcome: Outcome.limited, firmForMs: 0 });
      expect(told(harness, mine, START_US, 10)).toEqual(both(Outcome.limited, 0));
      expect(harness.ask(START_US, Verb.reserve, "k", mine, { cost: 10 })).toMatchObject({ firmForMs: 0 });
      harness.take(START_US, "k", fast);
      expect(peeked(harness, mine, START_US + second, 10).outcome).toBe(Outcome.allowed);
    },
  );

  it("of a bucket whose rate nobody can change: the cluster's policy, or a rule without a name", () => {
    const harness = new PolicyHarness();
    const mail = { name: "mail", algorithm: "token-bucket", limit: 1, windowMs: 60_000, burst: 2 };
    harness.change(putPolicy(mail));
    for (const rule of [byName("mail"), bucket(9, minute, 5, "mail"), bucket(1, minute, 2)]) {
      harness.take(START_US, "k", rule, 2);
      expect(told(harness, rule)).toEqual(both(Outcome.limited, firm(minute)));
      expect(peeked(harness, rule).firmForMs).toBe(firm(minute));
    }
  });

  it("of a cost above the burst, whatever the rate", () => {
    expect(told(new PolicyHarness(), bucket(4, minute, 6, "mail"), START_US, 7)).toEqual(
      both(Outcome.limited, firm(minute)),
    );
  });

  it("never under a shadow policy, which denies nothing", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy({ ...api, shadow: true }));
    harness.take(START_US, "k", byName("api"));
    expect(told(harness, byName("api"))).toEqual(quorumOnly(Outcome.allowed, 0));
  });

  it("never under a policy that bans, until the key is banned: then for the rest of the ban", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy({ ...api, ban }));
    harness.take(START_US, "k", byName("api"));
    expect(told(harness, byName("api"))).toEqual(quorumOnly(Outcome.limited, 0));
    expect(told(harness, byName("api"))).toEqual(quorumOnly(Outcome.banned, firm(20 * second)));
    expect(told(harness, byName("api"), START_US + 5 * second)).toEqual(both(Outcome.banned, firm(15 * second)));
  });

  it.each([
    [10_000, 10 * second],
    [3_600_000, minute],
  ])("by a deny-list for a window of %i ms, and a minute at most", (windowMs, forUs) => {
    const harness = new PolicyHarness();
    harness.change(putPolicy({ ...api, windowMs }));
    harness.change({ kind: "putListEntries", entries: [{ list: "deny", match: "key", value: "k", policy: "api" }] });
    expect(told(harness, byName("api"))).toEqual(both(Outcome.blocked, firm(forUs)));
  });
});
