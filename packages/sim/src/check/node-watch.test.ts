import type { NodeStatus } from "@quorumguard/cluster";
import { createMessage, MessageType } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import type { ClusterNode } from "../production.ts";
import { createNodeWatch } from "./node-watch.ts";

const second = 1_000_000;

/** A watch over nodes that say what the test puts into their mouths. */
function newWatch(mayForget = false) {
  let nowUs = 0;
  const watch = createNodeWatch({
    nowUs: () => nowUs,
    maxLagPerChangeUs: () => 50_000,
    led() {},
    committed: () => null,
    steppedDown() {},
    mayForget: () => mayForget,
    slewed() {},
  });
  return {
    violations: watch.violations,
    lineWasLost: watch.lineWasLost,
    heard: (from: number, type: MessageType, term: number) => watch.heard({ ...createMessage(type, 3), from, term }),
    /** A node that has just started says that it is in this term. */
    starts(nodeId: number, boot: number, role: NodeStatus["role"], term: number) {
      const indexes = { commitIndex: 0, appliedIndex: 0, lastIndex: 0, snapshotIndex: 0 };
      const status = { role, term, ...indexes } as NodeStatus;
      watch.observe(nodeId, boot, { status: () => status } as ClusterNode);
    },
    /** At `atUs`, a node that takes itself for the leader of `term` says that it is `stampUs`; `leads`: its takeover is applied. */
    says(atUs: number, nodeId: number, term: number, stampUs: number, leads = true, index = 0) {
      nowUs = atUs;
      const indexes = { commitIndex: index, appliedIndex: 0, lastIndex: index, snapshotIndex: 0 };
      const status = { role: "leader", term, ...indexes } as NodeStatus;
      watch.observe(nodeId, 1, { leads, status: () => status, stampUs: () => Math.round(stampUs) } as ClusterNode);
    },
  };
}

describe("leader completeness", () => {
  const found = (lateTerm: number) => {
    const watch = newWatch();
    watch.says(0, 1, 2, 0, false, 3);
    watch.says(second, 2, lateTerm, 0, false, 2);
    return watch.violations;
  };

  test("a leader lacks nothing that earlier terms committed", () => {
    expect(found(3)).toEqual(["leader completeness: node-2 leads term 3 with 2 entries, 3 were committed"]);
  });

  test("votes of a term that is over may arrive late: their leader may lack what a later term committed", () => {
    expect(found(1)).toEqual([]);
  });
});

describe("terms over restarts", () => {
  test.each(["voteResp", "appResp"] as const)(
    "whoever sent a %s in a term comes back in that or a later one",
    (type) => {
      const watch = newWatch();
      watch.starts(1, 1, "follower", 5);
      watch.heard(1, MessageType[type], 5);
      watch.heard(1, MessageType[type], 4);
      // It has not read its disk yet.
      watch.starts(1, 2, "forming", 0);
      watch.starts(1, 2, "joining", 0);
      watch.starts(1, 2, "follower", 5);
      watch.starts(2, 2, "follower", 4);
      expect(watch.violations).toEqual([]);
      watch.starts(1, 3, "follower", 4);
      expect(watch.violations).toEqual(["monotone: node-1 is in term 4 after it answered in term 5"]);
    },
  );

  test.each(["vote", "preVoteResp", "heartbeat", "heartbeatResp", "app"] as const)(
    "a %s may leave before its term is durable",
    (type) => {
      const watch = newWatch();
      watch.heard(1, MessageType[type], 5);
      watch.starts(1, 2, "follower", 4);
      expect(watch.violations).toEqual([]);
    },
  );

  test("a disk that lost what it had called durable excuses its node", () => {
    const watch = newWatch(true);
    watch.heard(1, MessageType.voteResp, 5);
    watch.starts(1, 2, "follower", 4);
    expect(watch.violations).toEqual([]);
  });
});

describe("T3 stamps against true time", () => {
  test("one line must keep to 0.99 and 1.01 of true time", () => {
    const watch = newWatch();
    watch.says(0, 1, 1, 0);
    watch.says(second, 1, 1, 1.0099 * second);
    watch.says(2 * second, 1, 1, 2.0001 * second);
    expect(watch.violations).toEqual([]);
    watch.says(3 * second, 1, 1, 3.02 * second);
    expect(watch.violations).toEqual(["time: node-1 in term 1 gained 1019900 us of stamp in 1000000 us"]);
    watch.says(4 * second, 1, 1, 4.005 * second);
    expect(watch.violations[1]).toBe("time: node-1 in term 1 gained only 985000 us of stamp in 1000000 us");
  });

  test("a change of leaders may lose what a heartbeat lags behind, and may win nothing", () => {
    const watch = newWatch();
    watch.says(0, 1, 1, 0);
    watch.says(second, 2, 2, 0.945 * second);
    expect(watch.violations).toEqual([]);
    watch.says(2 * second, 3, 3, 1.99 * second);
    expect(watch.violations).toEqual(["time: node-3 in term 3 gained 1045000 us of stamp in 1000000 us"]);
  });

  test("where nobody follows the latest line any more, its successor may begin as far back as the log, and wins nothing all the same", () => {
    const watch = newWatch();
    watch.says(0, 1, 1, 0);
    watch.lineWasLost(2);
    watch.says(second, 2, 2, 0.2 * second);
    expect(watch.violations).toEqual([]);
    watch.says(2 * second, 2, 2, 1.18 * second);
    expect(watch.violations).toEqual(["time: node-2 in term 2 gained only 980000 us of stamp in 1000000 us"]);
    watch.lineWasLost(3);
    watch.says(3 * second, 3, 3, 2.22 * second);
    expect(watch.violations[1]).toBe("time: node-3 in term 3 gained 1040000 us of stamp in 1000000 us");
  });

  test("a leader that was paused says nothing about time once a later term has a leader, though that one has applied nothing yet", () => {
    const watch = newWatch();
    watch.says(0, 1, 1, 0);
    // Both lines go on from here, the old one at 0.99, the new one at 1.01.
    watch.says(0, 2, 2, 0, false);
    watch.says(2 * second, 1, 1, 1.98 * second);
    watch.says(2 * second, 2, 2, 2.02 * second);
    expect(watch.violations).toEqual([]);
  });

  test("what a new leader wins is found against the last stamp before it, a paused predecessor's later words notwithstanding", () => {
    const watch = newWatch();
    watch.says(0, 1, 1, 0);
    watch.says(0, 2, 2, 0, false);
    watch.says(2 * second, 1, 1, 2.02 * second);
    watch.says(2 * second, 2, 2, 2.03 * second);
    expect(watch.violations).toEqual(["time: node-2 in term 2 gained 2030000 us of stamp in 2000000 us"]);
  });
});
