import { type CallBatch, createLimiter, Outcome, type Rule, Verb } from "@quorumguard/limiter";
import { describe, expect, it } from "vitest";
import type { CallSink } from "../../node/node.ts";
import { notLeader, quorumFacts, resultsOf } from "../scripted-node.fixture.ts";
import { Sampler } from "./sampler.ts";
import { TopKeys } from "./top-keys.ts";
import { watchDecisions } from "./watch-decisions.ts";

const rule: Rule = { algorithm: 1, limit: 5, windowUs: 60_000_000, burst: 0, policy: "login" };
const inline: Rule = { ...rule, policy: "" };
const item = (key: string, of = rule) => ({ rule: of, key: new TextEncoder().encode(key) });

function batchOf(calls: readonly (readonly ReturnType<typeof item>[])[]): CallBatch {
  const items = calls.flat();
  const starts = items.map((_, at) => items.slice(0, at).reduce((sum, { key }) => sum + key.length, 0));
  return {
    firstNumber: 0,
    calls: calls.length,
    items: items.length,
    rules: items.map((each) => each.rule),
    keyBytes: Uint8Array.from(items.flatMap(({ key }) => [...key])),
    keyStarts: Uint32Array.from(starts),
    keyLengths: Uint32Array.from(items, ({ key }) => key.length),
    ruleIndexes: Uint32Array.from(items, (_, at) => at),
    costs: null,
    sizes: calls.some(({ length }) => length > 1) ? Uint32Array.from(calls, ({ length }) => length) : null,
    verbs: null,
    ttlsMs: null,
    handles: null,
  };
}

const anonymous = { kind: "anonymous", namespace: "shop" } as const;

function watching() {
  const told: string[] = [];
  const sink: CallSink = {
    decided: (from, to, results, at) =>
      void told.push(`${from}-${to} ${results.outcomes.subarray(at, at + to - from)}`),
    failed: (from, to) => void told.push(`${from}-${to} failed`),
  };
  const topKeys = new TopKeys({ nowMs: () => 0 });
  const sampler = new Sampler({ nowMs: () => 0, random: () => 0, itemsPerSecond: 1_000_000 });
  const limiter = createLimiter();
  const watch = watchDecisions(topKeys, sampler);
  return { told, topKeys, begin: (batch: CallBatch) => watch(limiter, anonymous, batch, sink) };
}

const counted = (topKeys: TopKeys, by: "load" | "denials") =>
  Object.fromEntries(topKeys.read(by, 100).keys.map(({ policy, key, count }) => [`${policy}/${key}`, count]));

describe("watching decisions", () => {
  it("counts every decided item once, with its policy, and passes all answers on", () => {
    const { told, topKeys, begin } = watching();
    const sink = begin(batchOf([[item("a")], [item("a")], [item("ключ", inline)]]));
    sink.decided(2, 3, resultsOf(1, Outcome.allowed), 0, quorumFacts);
    sink.decided(0, 1, resultsOf(4, Outcome.limited), 3, quorumFacts);
    sink.failed(1, 2, notLeader);
    expect(told).toEqual(["2-3 1", "0-1 2", "1-2 failed"]);
    expect(counted(topKeys, "load")).toEqual({ "login/a": 1, "/ключ": 1 });
    expect(counted(topKeys, "denials")).toEqual({ "login/a": 1 });
    expect(topKeys.read("load", 1).keys[0]?.namespace).toBe("shop");
  });

  it("finds the items of groups, and counts a denial for the item that was denied", () => {
    const { topKeys, begin } = watching();
    const sink = begin(batchOf([[item("a"), item("b")], [item("c")]]));
    const results = resultsOf(2, Outcome.allowed);
    results.outcomes[1] = Outcome.limited;
    sink.decided(0, 1, results, 0, quorumFacts);
    sink.decided(1, 2, resultsOf(1, Outcome.banned), 0, quorumFacts);
    expect(counted(topKeys, "load")).toEqual({ "login/a": 1, "login/b": 1, "login/c": 1 });
    expect(counted(topKeys, "denials")).toEqual({ "login/b": 1, "login/c": 1 });
  });

  it("counts neither repeated answers nor what was not decided, nor verbs that follow another call", () => {
    const { topKeys, begin } = watching();
    begin(batchOf([[item("a")]])).decided(0, 1, resultsOf(1, Outcome.allowed), 0, { ...quorumFacts, repeated: true });
    begin(batchOf([[item("a")]])).decided(0, 1, resultsOf(1, Outcome.keysFull), 0, quorumFacts);
    const settled = { ...batchOf([[item("a")], [item("b")]]), verbs: Uint8Array.of(Verb.commit, Verb.reserve) };
    begin(settled).decided(0, 2, resultsOf(2, Outcome.allowed), 0, quorumFacts);
    expect(counted(topKeys, "load")).toEqual({ "login/b": 1 });
  });
});
