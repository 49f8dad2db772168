import { expect, it } from "vitest";
import { type PointShares, summarize } from "./where-time-goes.ts";

const point: PointShares = {
  ...{ scenario: "unique-keys", point: "256 in flight", contender: "quorumguard", decisionsPerSecond: 40_000 },
  us: { leader: { limiter: 3, Raft: 1, "other threads": 0 }, follower: { limiter: 2 }, client: { SDK: 6 } },
};

it("each part with what each process takes for it, those first that all of them, two followers too, spend most on", () => {
  const { table, line } = summarize([point]);
  expect(line).toBe("unique-keys, 256 in flight: leader 4.0 µs, follower 2.0 µs, client 6.0 µs");
  expect(table).toBe(
    [
      "### 256 in flight of unique-keys: quorumguard",
      "",
      "| Microseconds of processor | leader | each follower | client |",
      "| --- | --- | --- | --- |",
      "| limiter | 3 (75 %) | 2 (100 %) | – |",
      "| SDK | – | – | 6 (100 %) |",
      "| Raft | 1 (25 %) | – | – |",
      "| all | 4 | 2 | 6 |",
    ].join("\n"),
  );
});
