import type { ConfState } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { encodeMemberRecords } from "./member-codec.ts";
import { Members } from "./members.ts";

const founder = (nodeId: number) => ({ nodeId, address: `host-${nodeId}:7401`, nonce: `disk-${nodeId}` });
const found = () => new Members([1, 2, 3].map(founder));
const confState = (parts: Partial<ConfState>): ConfState => ({
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  ...parts,
});
const change = (records: Parameters<typeof encodeMemberRecords>[0] = []) => ({
  transition: "auto" as const,
  changes: [],
  context: encodeMemberRecords(records),
});

describe("who belongs to the cluster", () => {
  test("a quorum is a majority of the voters, whoever the learners are", () => {
    const members = found();
    members.applied(5, change([founder(4)]), confState({ voters: [1, 2, 3], learners: [4] }));
    expect(members.ids).toEqual([1, 2, 3, 4]);
    expect(members.voters).toEqual([1, 2, 3]);
    expect(members.hasQuorum((id) => id === 1 || id === 2)).toBe(true);
    expect(members.hasQuorum((id) => id === 1 || id === 4)).toBe(false);
  });

  test("in a joint configuration a quorum is a majority of the old voters and one of the new (thesis §4.3)", () => {
    const members = found();
    members.applied(5, change(), confState({ voters: [3, 4, 5], votersOutgoing: [1, 2, 3] }));
    expect(members.isJoint).toBe(true);
    expect(members.voters).toEqual([1, 2, 3, 4, 5]);
    expect(members.hasQuorum((id) => id >= 3)).toBe(false);
    expect(members.hasQuorum((id) => id <= 3)).toBe(false);
    expect(members.hasQuorum((id) => id !== 1 && id !== 5)).toBe(true);
    members.applied(6, change(), confState({ voters: [3, 4, 5] }));
    expect(members.isJoint).toBe(false);
    expect(members.hasQuorum((id) => id >= 4)).toBe(true);
  });

  test("D6 an id that was a member's is never one again, nor one below the largest that ever was", () => {
    const members = found();
    expect(members.wasRemoved(4)).toBe(false);
    members.applied(5, change([founder(7)]), confState({ voters: [1, 2, 3], learners: [7] }));
    members.applied(6, change(), confState({ voters: [1, 2] }));
    expect([3, 4, 7, 8].map((id) => members.wasRemoved(id))).toEqual([true, true, true, false]);
    expect(members.highestId).toBe(7);
    expect(members.nonceOf(7)).toBe("");
  });

  test("D6 D8 a node that starts from a snapshot knows as well which ids were in use, members or not", () => {
    const before = found();
    before.applied(5, change([founder(7)]), confState({ voters: [1, 2, 3], learners: [7] }));
    before.applied(6, change(), confState({ voters: [1, 2, 3] }));
    const restored = found();
    restored.restored(9, before.confState, before.list);
    expect(restored.wasRemoved(7)).toBe(true);
    expect(restored.highestId).toBe(7);
    expect(restored.changeIndex).toBe(6);
  });

  test("D8 a snapshot of before a change does not undo it, and the change is not made twice", () => {
    const members = found();
    const old = members.list;
    members.applied(5, change([founder(4)]), confState({ voters: [1, 2, 3], learners: [4] }));
    members.restored(4, confState({ voters: [1, 2, 3] }), old);
    expect(members.ids).toEqual([1, 2, 3, 4]);
    members.applied(5, null, confState({ voters: [1] }));
    expect(members.voters).toEqual([1, 2, 3]);
  });

  test("a member's disk is remembered, and its address is what it said last unless an operator says otherwise", () => {
    const members = found();
    members.applied(5, change([{ ...founder(4), address: "" }]), confState({ voters: [1, 2, 3], learners: [4] }));
    expect([members.nonceOf(4), members.addressOf(4)]).toEqual(["disk-4", ""]);
    members.heard(4, "elsewhere:1");
    expect(members.records.at(-1)).toEqual({ nodeId: 4, address: "elsewhere:1", nonce: "disk-4" });
    members.pin(4, "tunnel:1");
    expect(members.addressOf(4)).toBe("tunnel:1");
    expect(members.records.at(-1)?.address).toBe("elsewhere:1");
  });
});
