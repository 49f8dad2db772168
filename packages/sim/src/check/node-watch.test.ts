import type { NodeStatus } from "@quorumguard/cluster";
import { describe, expect, test } from "vitest";
import type { ClusterNode } from "../production.ts";
import { createNodeWatch } from "./node-watch.ts";

const second = 1_000_000;

/** A watch over nodes that say what the test puts into their mouths. */
function newWatch() {
  let nowUs = 0;
  const watch = createNodeWatch({
    nowUs: () => nowUs,
    maxLagPerChangeUs: () => 50_000,
    led() {},
    committed: () => null,
    steppedDown() {},
    slewed() {},
  });
  return {
    violations: watch.violations,
    lineWasLost: watch.lineWasLost,
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
