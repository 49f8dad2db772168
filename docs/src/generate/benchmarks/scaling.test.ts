import { expect, test } from "vitest";
import { grid, heldOut, heldOutLast } from "../../../../bench/src/scaling/configuration.ts";
import type { Gathered } from "../../../../bench/src/scaling/evaluate.ts";
import { inventedMeasurements, truthOf } from "../../../../bench/src/scaling/invented.fixture.ts";
import { summarize } from "../../../../bench/src/scenarios/scaling.ts";
import { benchmarkPages } from "./benchmark-pages.ts";
import { chooseResults, type Facts } from "./result-file.ts";
import { quotedCosts } from "./scaling-costs.ts";

const everyHeldOut = [...heldOut, ...heldOutLast];
const gathered: Gathered = {
  ...{ grid: inventedMeasurements(grid), heldOut: inventedMeasurements(everyHeldOut), other: null },
};

/** A result whose followers took so many times what the model says. */
function resultWith(followers: number): Facts {
  const held = gathered.heldOut.map((one) => ({
    ...one,
    costs: { ...one.costs, followerUs: one.costs.followerUs! * followers },
  }));
  const steadied = { ...gathered, heldOut: held };
  const { summary, details } = summarize({ cores: 2, otherNode: null, asMeasured: gathered, steadied });
  return { scenario: "scaling", ...summary, ...details, pace: [40_000, 50_000, 30_000] };
}

/** The list of all results, and its page. */
function pagesWith(followers: number, change: (data: Record<string, unknown>) => void = () => {}) {
  const data = resultWith(followers);
  change(data);
  return benchmarkPages(chooseResults([{ name: "scaling.json", text: JSON.stringify(data) }], new Map()));
}

test("scaling: what a decision takes, each prediction with its error, and where one leader ends", () => {
  const [index, page] = pagesWith(1);
  expect(index?.body).toContain("90 predictions, all within 25 %; the worst is 0 % off");
  expect(index?.body).toMatch(
    /by the leader's main thread\. With 1,024 in flight and all on one machine it was [\d,]+\/s,/,
  );
  expect(index?.body).toContain("calls in an entry. Absent: another Node.js.");
  expect(page?.body).toContain("| the leader's main thread | each decision | 4.5 µs | 0 % |");
  expect(page?.body).toMatch(/\| 4 client processes \| [\d.]+ for [\d.]+: 0 % \|/);
  expect(page?.body).toContain("| 1 node |");
  expect(page?.body).toContain("The reference was measured 3 times, and came to 30,000 to 50,000 decisions per second");
});

test("scaling: what was added last is told apart, and what predictions are without steadying", () => {
  const [index, page] = pagesWith(2);
  expect(index?.body).toContain("90 predictions, 10 NOT within 25 %; the worst is -50 % off");
  expect(page?.body).toContain(
    "64 in flight, new keys; 1,024 in flight, 1,000,000 keys; 5 client processes; 64 in flight, 2 client processes: 45 predictions, 5 NOT within 25 %",
  );
  expect(page?.body).toMatch(/samples as they were measured, for the fit as well .*: 90 predictions, all within 25 %/);
});

test("scaling: a result of an earlier version, which knew none of that, still gives a page", () => {
  const [index, page] = pagesWith(1, (data) => {
    const { model, samples } = data as { model: { costs: Record<string, unknown> }; samples: { steadied: object } };
    for (const field of ["addedLast", "withoutSteadying", "comparisonsWithoutSteadying"]) delete data[field];
    data.samples = samples.steadied;
    data.comparisons = [];
    data.model = { ...model, costs: { leaderBytes: model.costs.leaderSentBytes } };
  });
  expect(index?.body).toContain("Nothing was predicted. Three nodes on machines of their own end at");
  expect(page?.body).toContain("The result has only steadied samples.");
  expect(page?.body).toContain("| 1 node |");
});

test("scaling: pages quote the sums of a node's threads, and what is not known as that", () => {
  const { costs, ...data } = resultWith(1);
  const quoted = quotedCosts({ ...data, costs });
  // A follower's main thread has 0.9 of what it takes in the invented world, and its other threads have the rest.
  expect(quoted.follower).toEqual({ decision: "2 µs", entry: "150 µs", newKey: "1 µs" });
  expect(quoted.leader).toMatchObject({ entryOfNode: "60 µs", decisionOfNode: "0.5 µs", newKey: "1.5 µs" });
  expect(quoted.client).toEqual({ decision: "3 µs", frame: "80 µs" });
  expect(quoted).toMatchObject({ logBytes: "47.64", endsAt: "155,139", endsBy: "the leader's main thread" });
  const { decisionsPerSecond, callsPerEntry } = truthOf(grid.find(({ inFlight }) => inFlight === 1_024)!);
  expect(quoted.busiest).toBe(Math.round(decisionsPerSecond).toLocaleString("en"));
  expect(quoted.busiestCallsPerEntry).toBe(String(Math.round(callsPerEntry)));
  const unsure = { ...(costs as object), leaderThreadUs: { "each decision": 4 }, leaderOthersUs: {} };
  expect(quotedCosts({ ...data, costs: unsure }).leader).toMatchObject({
    ...{ decision: "4 µs", newKey: "not told apart from 0" },
  });
});

test("scaling: pages quote a result of an earlier version, which fitted a node's threads as one", () => {
  const { endsAt } = resultWith(1);
  const costs = {
    leaderUs: { "each decision": 4.567 },
    followerUs: { "each new key": 1 },
    clientUs: { "each frame": 272.2 },
  };
  const { leader, follower, client, logBytes, busiest } = quotedCosts({ endsAt, configurations: [], costs });
  expect([leader.decision, follower.newKey, client.frame]).toEqual(["4.57 µs", "1 µs", "272 µs"]);
  expect([leader.newKey, logBytes, busiest]).toEqual(["not told apart from 0", "unknown", "unknown"]);
});
