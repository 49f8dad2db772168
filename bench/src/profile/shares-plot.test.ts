import { elementsOf, findLayoutProblems, parseSvg, type RectPart, standaloneSvg, textOf } from "@quorumguard/pictures";
import { expect, it } from "vitest";
import type { PointShares } from "./point-shares.ts";
import { sharesPlot } from "./shares-plot.ts";

const place = { scenario: "unique-keys", point: "1,024 in flight", decisionsPerSecond: 1 };
const ours: PointShares = {
  ...{ ...place, contender: "quorumguard, policy of the cluster" },
  us: { leader: { limiter: 3, Raft: 1 }, follower: { limiter: 2, "something new": 2 }, client: { SDK: 6 } },
};
const redis: PointShares = {
  ...{ ...place, contender: "redis, no persistence" },
  us: { servers: { "the peer's own code": 8, "the kernel, for the peer": 4 }, client: { "other libraries": 12 } },
};
const slow: PointShares = { ...ours, point: "1 in flight", us: { leader: { limiter: 9_000.4 } } };
const alone: PointShares = {
  ...{ ...place, scenario: "machine-alone", point: "sliding-window-counter", contender: "the limiter of one node" },
  us: { process: { "the algorithm": 0.5, "going through the calls": 0.5 } },
};

it("every process of every point has its bar with its sum, and nothing overlaps", () => {
  const picture = sharesPlot([ours, redis, slow, alone]);
  expect(findLayoutProblems(picture.wide)).toEqual([]);
  const words = elementsOf(parseSvg(standaloneSvg(picture)), "text").map(textOf);
  for (const word of ["each follower", "its servers", "9,000 µs", "12 µs", "18 µs in all", "sliding-window-counter"])
    expect(words).toContain(word);
  expect(words).toContain("1,024 in flight of unique-keys: quorumguard, policy of the cluster");
});

it("bars of the same load share a scale, and no part is left out of one", () => {
  const bars = sharesPlot([ours, redis, slow]).wide.parts.filter(
    (part): part is RectPart => part.kind === "rect" && part.width !== part.height,
  );
  const lengthOf = (y: number) => bars.filter((bar) => bar.y === y).reduce((sum, bar) => sum + bar.width, 0);
  const [leader, follower, client, servers, caller, other] = [...new Set(bars.map((bar) => bar.y))].map(lengthOf);
  const full = servers!;
  expect(caller).toBeCloseTo(full, 6);
  expect(client).toBeCloseTo(full / 2, 6);
  expect(leader).toBeCloseTo(full / 3, 6);
  expect(follower).toBeCloseTo(full / 3, 6);
  expect(other).toBeCloseTo(full, 6);
});
