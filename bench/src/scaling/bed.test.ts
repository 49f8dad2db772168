import { expect, it } from "vitest";
import { type ClusterState, sampleOf } from "./bed.ts";

const usage = (cpuUs: number, threadUs: number, writtenBytes: number) => ({ cpuUs, threadUs, writtenBytes });
const before: ClusterState = {
  leader: usage(1_000, 900, 5_000),
  followers: [usage(100, 90, 10), usage(200, 180, 20)],
  ...{ entries: 7, frames: 10, flushUs: 50, liveKeys: 3 },
};
const after: ClusterState = {
  leader: usage(1_800, 1_500, 45_000),
  followers: [usage(300, 250, 8_010), usage(800, 700, 4_020)],
  ...{ entries: 27, frames: 90, flushUs: 850, liveKeys: 99 },
};
const outcomes = { allowed: 200, denied: 0, degraded: 0, failed: 0 };
const report = { outcomes, seconds: 2, cpuUs: 1_000, firstFailure: null };

it("divides what was used by the decisions of all client processes, and what followers used by their number too", () => {
  const reports = [report, { ...report, seconds: 4 }];
  expect(sampleOf({ name: "a", keys: "new" }, reports, before, after)).toEqual({
    ...{ decisions: 400, seconds: 4, decisionsPerSecond: 100, callsPerEntry: 20, callsPerFrame: 5 },
    ...{ leaderUs: 2, leaderThreadUs: 1.5, leaderBytes: 100 },
    ...{ followerUs: 1, followerThreadUs: 0.85, followerBytes: 15 },
    ...{ clientUs: 5, flushUs: 2, keys: 99 },
  });
});

it("knows how many of a population are in use, and that a node alone has no followers", () => {
  const alone = [
    { ...before, followers: [] },
    { ...after, followers: [] },
  ] as const;
  const sample = sampleOf({ name: "a", keys: 1_000 }, [report], ...alone);
  expect(sample).toMatchObject({ keys: 1_000, followerUs: null, followerThreadUs: null, followerBytes: null });
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
