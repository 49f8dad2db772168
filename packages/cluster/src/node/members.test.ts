import type { ConfChange, ConfState } from "@quorumguard/raft";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MemberRecord } from "../storage/member-record.ts";
import { decodeMemberRecords, encodeMemberRecords } from "./member-codec.ts";
import { Members } from "./members.ts";

const record = (nodeId: number, address = "", nonce = ""): MemberRecord => ({ nodeId, address, nonce });
const conf = (changes: Partial<ConfState>): ConfState => ({
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  ...changes,
});
const change = (records: readonly MemberRecord[]): ConfChange => ({
  transition: "auto",
  changes: [],
  context: encodeMemberRecords(records),
});
const three = () => new Members([record(1), record(2), record(3)]);

describe("the members", () => {
  test("decide by a majority, in a joint configuration by one of either half", () => {
    const members = three();
    const heard = (...ids: readonly number[]) => members.hasQuorum((nodeId) => ids.includes(nodeId));
    expect([heard(1), heard(1, 2), heard(9, 1, 2)]).toEqual([false, true, true]);
    members.applied(7, null, conf({ voters: [1, 4, 5], votersOutgoing: [1, 2, 3], learners: [6] }));
    expect([heard(1, 2), heard(1, 4), heard(1, 2, 4), heard(2, 3, 4, 5)]).toEqual([false, false, true, true]);
    expect(members.voters).toEqual([1, 2, 3, 4, 5]);
    expect(members.ids).toEqual([1, 2, 3, 4, 5, 6]);
    expect([members.isJoint, members.isVoter(6)]).toEqual([true, false]);
  });

  test("D6: an id that was ever a member's is never new again, whatever became of it", () => {
    const members = three();
    members.applied(5, null, conf({ voters: [1, 2, 3], learners: [9] }));
    members.applied(6, null, conf({ voters: [1, 2, 3] }));
    expect([4, 9, 10].map((id) => members.wasRemoved(id))).toEqual([true, true, false]);
    expect(members.highestId).toBe(9);
    const restored = three();
    restored.restored(6, members.confState, members.list);
    expect([restored.wasRemoved(9), restored.changeIndex]).toEqual([true, 6]);
  });

  test("D8: a snapshot takes the place of what entries told, and an entry that it covers changes nothing again", () => {
    const members = three();
    members.applied(5, change([record(4, "d:1", "n4")]), conf({ voters: [1, 2, 3], learners: [4] }));
    members.restored(20, conf({ voters: [1, 2, 4] }), { changeIndex: 12, highestId: 6, members: [record(4, "e:1")] });
    expect([members.ids, members.changeIndex, members.highestId]).toEqual([[1, 2, 4], 12, 6]);
    members.applied(11, null, conf({ voters: [1, 2, 3] }));
    expect(members.ids).toEqual([1, 2, 4]);
    expect([members.addressOf(4), members.nonceOf(4)]).toEqual(["e:1", "n4"]);
  });

  test("a snapshot that was cut while its node looked ahead does not hide the entries after it", () => {
    const members = three();
    members.restored(10, conf({ voters: [1, 2, 3] }), { changeIndex: 15, highestId: 4, members: [] });
    members.applied(15, null, conf({ voters: [1, 2, 3, 4] }));
    expect(members.ids).toEqual([1, 2, 3, 4]);
  });

  test("are dialled where the operator says, else where they say, else where the log says; others are told what they say", () => {
    const members = three();
    members.applied(5, change([record(2, "log:2"), record(3, "log:3")]), conf({ voters: [1, 2, 3] }));
    members.heard(2, "own:2");
    members.pin(2, "proxy:2");
    members.pin(1, "list:1");
    expect([1, 2, 3].map((id) => members.addressOf(id))).toEqual(["list:1", "proxy:2", "log:3"]);
    expect(members.records.map(({ address }) => address)).toEqual(["list:1", "own:2", "log:3"]);
  });
});

test("member records arrive as they were sent; any other bytes tell of nobody", () => {
  const one = fc.record({
    nodeId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    address: fc.string({ maxLength: 60 }),
    nonce: fc.string({ maxLength: 15 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 16 }), (records) => {
      expect(decodeMemberRecords(encodeMemberRecords(records))).toEqual(records);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(Array.isArray(decodeMemberRecords(bytes))).toBe(true);
    }),
  );
});
