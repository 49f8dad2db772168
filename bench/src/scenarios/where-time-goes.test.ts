import { expect, it } from "vitest";
import type { PointShares } from "../profile/point-shares.ts";
import type { Waits } from "../profile/waits.ts";
import { summarize } from "./where-time-goes.ts";

const point: PointShares = {
  ...{ scenario: "unique-keys", point: "256 in flight", contender: "quorumguard", decisionsPerSecond: 40_000 },
  us: { leader: { limiter: 3, Raft: 1, "other threads": 0 }, follower: { limiter: 2 }, client: { SDK: 6 } },
};
const peer: PointShares = {
  ...{ ...point, contender: "redis" },
  us: { servers: { "the peer's own code": 12, "the kernel, for the peer": 7 }, client: { "other libraries": 19 } },
};
const spread = { p50Ms: 1, meanMs: 1 };
const waits: Waits = {
  ...{ frameBytes: 512, call: { p50Ms: 8, meanMs: 9 }, flushMeanMs: { leader: 3, follower: 4 } },
  ...{ bareTrip: spread, bareFlush: spread },
};

it("each part with what each process takes for it, those first that all of them, two followers too, spend most on", () => {
  const { table, line } = summarize([point], waits, []);
  expect(line).toContain("256 in flight of unique-keys: quorumguard: leader 4 µs, each follower 2 µs, client 6 µs\n");
  expect(table).toContain(
    [
      "### 256 in flight of unique-keys: quorumguard",
      "",
      "| Microseconds of processor | leader | each follower | client |",
      "| --- | --- | --- | --- |",
      "| limiter | 3 (75 %) | 2 (100 %) | – |",
      "| SDK | – | – | 6 (100 %) |",
      "| Raft | 1 (25 %) | – | – |",
      "| all | 4 | 2 | 6 |",
      "",
    ].join("\n"),
  );
});

it("a peer has its table too, with the processes that it has, and who is absent is told with the reason", () => {
  const absent = { point: "256 in flight of etcd", contender: "etcd, puts", reason: "etcd is not installed" };
  const { table, summary } = summarize([point, peer], waits, [absent]);
  expect(table).toContain("| Microseconds of processor | its servers | client |");
  expect(table).toContain("| all | 19 | 19 |");
  expect(table!.split("\n").at(-1)).toBe("- Absent: etcd, puts at 256 in flight of etcd: etcd is not installed");
  expect(summary.absent).toEqual([absent]);
});

it("a lone call's wait is told in parts, in the line, the table and the result", () => {
  const { line, table, summary } = summarize([point], waits, []);
  expect(line).toContain("a lone call waits 9.000 ms in the mean: a follower's flush 4.000");
  expect(table).toContain("| on its way: the rest | 3.000 | – |");
  expect(summary.waits).toEqual(waits);
});
