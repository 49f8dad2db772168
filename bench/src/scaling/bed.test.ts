import { expect, it } from "vitest";
import { sampleOf } from "./bed.ts";
import type { ClusterState, NodeState } from "./cluster-state.ts";

/** Of 20 entries in the log so many are left, of 400 bytes each unless told otherwise; `snapshot` is the size of a file. */
const node = (usage: readonly [number, number, number], entries = 0, entryBytes = 400, snapshot = 0): NodeState => ({
  ...{ threadUs: usage[0], othersUs: usage[1], writtenBytes: usage[2] },
  ...{ sizes: new Map(Object.entries({ segment: 99_000, snapshot })), log: { bytes: entries * entryBytes, entries } },
});
const before: ClusterState = {
  leader: node([900, 100, 5_000]),
  followers: [node([90, 10, 10]), node([180, 20, 20])],
  ...{ entries: 7, frames: 10, flushUs: 50, liveKeys: 3 },
};
const after: ClusterState = {
  leader: node([1_500, 300, 45_000], 20, 400, 20_000),
  followers: [node([250, 50, 8_010], 20), node([700, 100, 4_020], 20, 200)],
  ...{ entries: 27, frames: 90, flushUs: 850, liveKeys: 99 },
};
const outcomes = { allowed: 200, denied: 0, degraded: 0, failed: 0 };
const report = { outcomes, seconds: 2, cpuUs: 1_000, firstFailure: null };

it("divides what was used by the decisions of all client processes, and what followers used by their number too", () => {
  const reports = [report, { ...report, seconds: 4 }];
  expect(sampleOf({ name: "a", keys: "new" }, reports, before, after)).toEqual({
    ...{ decisions: 400, seconds: 4, decisionsPerSecond: 100, callsPerEntry: 20, callsPerFrame: 5 },
    ...{ leaderUs: 2, leaderThreadUs: 1.5, leaderOthersUs: 0.5 },
    ...{ followerUs: 1, followerThreadUs: 0.85, followerOthersUs: 0.15 },
    // Of the leader's 40,000 bytes 8,000 are its log's and 20,000 a snapshot's; the rest was sent.
    ...{ leaderSentBytes: 30, leaderLogBytes: 20, followerLogBytes: 15 },
    ...{ clientUs: 5, flushUs: 2, keys: 99 },
  });
});

it("knows how many of a population are in use, and that a node alone has no followers", () => {
  const alone = [
    { ...before, followers: [] },
    { ...after, followers: [] },
  ] as const;
  const sample = sampleOf({ name: "a", keys: 1_000 }, [report], ...alone);
  expect(sample).toMatchObject({ keys: 1_000, followerUs: null, followerThreadUs: null, followerOthersUs: null });
  expect(sample.followerLogBytes).toBeNull();
});

it("where the first of its entries are gone, those that are left tell how many bytes all of them took", () => {
  const sampleWith = (log: NodeState["log"]) =>
    sampleOf({ name: "a", keys: 10 }, [report], before, { ...after, leader: { ...after.leader, log } });
  expect(sampleWith({ bytes: 1_600, entries: 4 })).toMatchObject({ leaderSentBytes: 60, leaderLogBytes: 40 });
  expect(sampleWith({ bytes: 0, entries: 0 })).toMatchObject({ leaderSentBytes: null, leaderLogBytes: null });
});

it("files that grew by more than was written by then leave nobody to say how much was sent", () => {
  const leader = { ...after.leader, writtenBytes: before.leader.writtenBytes + 28_000 };
  const sample = sampleOf({ name: "a", keys: 10 }, [report], before, { ...after, leader });
  expect(sample).toMatchObject({ leaderSentBytes: null, leaderLogBytes: 40 });
});

it.each(["failed", "denied", "degraded"] as const)(
  "a call that was %s makes it void: it has no cost like the others",
  (what) => {
    const bad = { ...report, outcomes: { ...outcomes, [what]: 1 }, firstFailure: what === "failed" ? "late" : null };
    expect(() => sampleOf({ name: "16 in flight", keys: 10 }, [report, bad], before, after)).toThrow(
      `16 in flight: of 401 calls only 400 were allowed (${what === "failed" ? "late" : "no failure"})`,
    );
  },
);
