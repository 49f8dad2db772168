import { elementsOf, findLayoutProblems, parseSvg, standaloneSvg, textOf } from "@quorumguard/pictures";
import { expect, test } from "vitest";
import { allRedis, etcdPuts, quorumGuard, quorumGuardLease, upstash } from "./contenders.ts";
import type { Cell } from "./points.ts";
import { ratesPlot } from "./rates-plot.ts";
import type { Sample } from "./sample.ts";

const cell = (point: string, { name }: { readonly name: string }, ...rates: readonly number[]): Cell => ({
  ...{ point, contender: name, inFlight: 1, warmUpRates: [], overAdmitted: null },
  samples: rates.map((decisionsPerSecond) => ({ decisionsPerSecond }) as Sample),
});

test("every contender of every point has its row with its median, and nothing overlaps", () => {
  const cells = ["1 in flight", "1,024 in flight"].flatMap((point) => [
    cell(point, quorumGuard, 700, 90_000, 130_000),
    cell(point, quorumGuardLease, 4_000_000, 3_000_000, 5_000_000),
    ...allRedis.map((redis, at) => cell(point, redis, 50_000 + at)),
    cell(point, upstash, 40_000, 40_000),
    cell(point, etcdPuts, 0, 0, 0),
  ]);
  const picture = ratesPlot({ name: "rates", title: "Unique keys, by callers in flight", cells });
  expect(findLayoutProblems(picture.wide)).toEqual([]);
  const words = elementsOf(parseSvg(standaloneSvg(picture)), "text").map(textOf);
  for (const word of [...cells.map((one) => one.contender), "90,000", "4,000,000", "50,003", "1,024 in flight"]) {
    expect(words).toContain(word);
  }
});
