import { expect, test } from "vitest";
import { Progress } from "./progress.ts";

/** A member that is probed with the entry after `next - 1`. */
function createProbed(next: number): Progress {
  const limits = { maxInflightMessages: 4, maxInflightBytes: Number.MAX_SAFE_INTEGER };
  return new Progress(2, { next, learner: false, recentActive: true, ...limits });
}

test("B5: a rejected append has told the member nothing: the commit index that it carried is news once the logs agree", () => {
  const progress = createProbed(8);
  progress.sentEntries(1, 1);
  progress.sentCommit(7);
  expect(progress.reject(7, 2)).toBe(true);
  expect(progress.next).toBe(3);
  expect(progress.acknowledge(4)).toBe(true);
  expect(progress.wouldLearnCommit(7)).toBe(true);
});

test("B5: neither has what was in flight when the stream broke off", () => {
  const progress = createProbed(3);
  progress.acknowledge(2);
  progress.becomeReplicate();
  progress.sentEntries(5, 5);
  progress.sentCommit(7);
  progress.becomeProbe();
  expect(progress.acknowledge(4)).toBe(true);
  expect(progress.wouldLearnCommit(7)).toBe(true);
});

test("B5: a rejection of what is acknowledged, or of another append than the one under way, is old and changes nothing", () => {
  const probed = createProbed(8);
  expect(probed.reject(6, 2)).toBe(false);
  expect(probed.next).toBe(8);
  probed.acknowledge(7);
  probed.becomeReplicate();
  expect(probed.reject(7, 2)).toBe(false);
  expect(probed).toMatchObject({ match: 7, next: 8 });
});

test("B5: a snapshot that did not arrive takes nothing back of what the member has acknowledged", () => {
  const progress = createProbed(5);
  progress.acknowledge(4);
  progress.becomeSnapshot(9);
  expect(progress.next).toBe(10);
  progress.pendingSnapshot = 0;
  progress.becomeProbe();
  expect(progress).toMatchObject({ match: 4, next: 5, state: "probe" });
});
