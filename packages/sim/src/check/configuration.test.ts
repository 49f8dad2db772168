import { encodeConfChange } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { createConfigurations, hasQuorum, membersOf } from "./configuration.ts";

const noBytes = new Uint8Array(0);
const change = (...changes: { kind: "addVoter" | "addLearner" | "remove"; nodeId: number }[]) =>
  encodeConfChange({ transition: "auto", changes, context: noBytes });

describe("the configurations of a log", () => {
  test("a single change takes effect at once, and is only asked about entries applied after it", () => {
    const configurations = createConfigurations([1, 2, 3]);
    configurations.committed(5, change({ kind: "addLearner", nodeId: 4 }));
    configurations.committed(9, change({ kind: "addVoter", nodeId: 4 }));
    expect(configurations.at(4).voters).toEqual([1, 2, 3]);
    expect(configurations.at(5)).toEqual({ index: 5, voters: [1, 2, 3], outgoing: [], learners: [4] });
    expect(configurations.latest).toEqual({ index: 9, voters: [1, 2, 3, 4], outgoing: [], learners: [] });
    expect(configurations.between(5, 8).map(({ index }) => index)).toEqual([5]);
    expect(configurations.between(4, 9).map(({ index }) => index)).toEqual([0, 5, 9]);
  });

  test("two changes at once are joint until an empty one, and both halves must agree meanwhile", () => {
    const configurations = createConfigurations([1, 2, 3]);
    configurations.committed(7, change({ kind: "addVoter", nodeId: 4 }, { kind: "remove", nodeId: 1 }));
    const joint = configurations.latest;
    expect(joint).toEqual({ index: 7, voters: [2, 3, 4], outgoing: [1, 2, 3], learners: [] });
    expect([...membersOf(joint)].sort()).toEqual([1, 2, 3, 4]);
    const among = (...ids: number[]) => hasQuorum(joint, (nodeId) => ids.includes(nodeId));
    expect(among(1, 2)).toBe(false);
    expect(among(3, 4)).toBe(false);
    expect(among(1, 2, 4)).toBe(true);
    configurations.committed(8, noBytes);
    expect(configurations.latest).toEqual({ index: 8, voters: [2, 3, 4], outgoing: [], learners: [] });
  });

  test("an entry that is told of again changes nothing", () => {
    const configurations = createConfigurations([1]);
    configurations.committed(3, change({ kind: "addVoter", nodeId: 2 }));
    configurations.committed(3, change({ kind: "addVoter", nodeId: 2 }));
    expect(configurations.between(0, 10)).toHaveLength(2);
  });
});
