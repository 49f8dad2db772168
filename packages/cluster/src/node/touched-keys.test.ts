import { type Operation, Verb } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { notLeader } from "./failures.ts";
import { Proposals } from "./proposals.ts";
import { anonymous, batchOf } from "./test-cluster.fixture.ts";
import { slotOf, slotsOfOperation, TouchedKeys, touchedSlots } from "./touched-keys.ts";

const sink = { decided: () => {}, failed: () => {} };
const make = (maxItems = 100) => new Proposals({ maxItems, maxBytes: 1_048_576, stampUs: () => 1_000_000 });
const resetOf = (...keys: string[]) => ({
  ...batchOf(keys, 1),
  verbs: new Uint8Array(keys.length).fill(Verb.reset),
});

describe("D1 keys that entries on their way touch by anything but a take", () => {
  test("are those of the calls in the range alone, past groups of several items", () => {
    const verbs = Uint8Array.of(Verb.reset, Verb.take, Verb.reserve);
    const batch = { ...batchOf(["a", "b", "c", "d"], 1), calls: 3, sizes: Uint32Array.of(1, 2, 1), verbs };
    expect(touchedSlots(batch, 0, 3)).toEqual([slotOf(batch, 0), slotOf(batch, 3)]);
    expect(touchedSlots(batch, 1, 2)).toBeNull();
    expect(touchedSlots(batch, 1, 3)).toEqual([slotOf(batch, 3)]);
    expect(touchedSlots({ ...batch, verbs: null }, 0, 3)).toBeNull();
  });

  test("are let go when the entry is superseded, refused or abandoned, and counted per entry until then", () => {
    const proposals = make();
    const slot = slotOf(batchOf(["a"], 1), 0);
    proposals.addCalls(anonymous, resetOf("a"), 0, 1, sink);
    expect([proposals.touched.any, proposals.touched.has(slot)]).toEqual([true, true]);
    proposals.seal();
    proposals.accepted(1, 1);
    proposals.addCalls(anonymous, resetOf("a", "b"), 0, 2, sink);
    proposals.superseded(1, 2, () => notLeader(0, 2));
    expect(proposals.touched.has(slot)).toBe(true);
    proposals.seal();
    proposals.refused(notLeader(0, 2));
    expect(proposals.touched.any).toBe(false);
    proposals.addCalls(anonymous, resetOf("a"), 0, 1, sink);
    proposals.abandon(notLeader(0, 2), notLeader(0, 2));
    expect([proposals.touched.any, proposals.touched.has(slot)]).toEqual([false, false]);
  });

  test("are all of them while policies change, and none while sessions come and go", () => {
    const kinds = ["register", "renew", "goodbye", "bounds"] as const;
    for (const kind of kinds) expect(slotsOfOperation(kind)).toEqual([]);
    const touched = new TouchedKeys();
    const slots = slotsOfOperation("administer" as string as Operation["kind"]);
    for (const slot of slots) touched.add(slot);
    expect([touched.any, touched.has(0), touched.has(8_191)]).toEqual([true, true, true]);
    touched.remove(slots);
    expect([touched.any, touched.has(0)]).toEqual([false, false]);
  });

  test("are none of a call that the entry refuses", () => {
    const proposals = make();
    const handles = Float64Array.of(1);
    proposals.addCalls(anonymous, { ...resetOf("a"), handles }, 0, 1, sink);
    expect(proposals.touched.any).toBe(false);
  });

  test("of a full entry stay with it, not with the next", () => {
    const proposals = make(1);
    proposals.addCalls(anonymous, resetOf("a"), 0, 1, sink);
    proposals.addCalls(anonymous, batchOf(["b"], 1), 0, 1, sink);
    expect(proposals.seal()).toHaveLength(2);
    proposals.accepted(1, 1);
    proposals.superseded(1, 2, () => notLeader(0, 2));
    expect(proposals.touched.any).toBe(false);
  });
});
