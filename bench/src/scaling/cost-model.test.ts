import { expect, it } from "vitest";
import { grid, heldOut, heldOutOther, otherReference, reference } from "./configuration.ts";
import { costsAt, fitModel, nodeFactors, predict, type ScalingModel, type Situation } from "./cost-model.ts";
import { cores, invented, inventedMeasurements, truthOf } from "./invented.fixture.ts";
import { compare, mostErrorPercent, worstOf } from "./judge.ts";

const coefficientsOf = (model: ScalingModel) =>
  Object.fromEntries(Object.entries(model.costs).map(([name, { coefficients }]) => [name, coefficients]));

it("the grid tells all costs apart: without noise each is found as it was put in", () => {
  const { leader, client, follower, leaderBytes, spacing, batch, frame } = invented;
  const model = fitModel(inventedMeasurements(grid), cores);
  const { leaderUs, followerUs, clientUs, leaderBytes: bytes } = coefficientsOf(model);
  const near = (found: number | undefined, right: number) => expect(found! / right).toBeCloseTo(1, 6);
  near(leaderUs!["each decision"], leader.decision);
  near(leaderUs!["each entry"], leader.entry);
  near(leaderUs!["each entry, for each follower"], leader.entryFollower);
  near(leaderUs!["each decision, for each follower"], leader.follower);
  near(leaderUs!["each new key"], leader.newKey);
  near(leaderUs!["each byte of the key"], leader.byte);
  near(leaderUs!["each doubling of the keys in use beyond 1,024"], leader.doubling);
  near(followerUs!["each new key"], follower.newKey);
  near(clientUs!["each frame"], client.frame);
  near(leaderUs!["each entry, for each further process on a core"], leader.crowd);
  near(followerUs!["each entry, for each further process on a core"], follower.crowd);
  near(clientUs!["each frame, for each further process on a core"], client.crowd);
  near(bytes!["each byte of the key, for each follower"], leaderBytes.byteFollower);
  near(model.callsPerEntry.coefficients["the square of that"], batch.squared);
  near(model.callsPerEntry.coefficients["client processes"], batch.processes);
  near(model.callsPerFrame.coefficients["client processes"], frame.processes);
  near(model.spacing.coefficients["each call, by calls in flight"], spacing.waitUs);
});

it.each([1, 2, 3, 4, 5])(
  "what it was not fitted to is predicted, from measurements that are 5 % off either way (%d)",
  (seed) => {
    const model = fitModel(inventedMeasurements(grid, 0.05, seed), cores);
    const comparisons = heldOut.flatMap((configuration) =>
      compare({ configuration, costs: truthOf(configuration) }, predict(model, configuration)),
    );
    expect(comparisons).toHaveLength(6 * heldOut.length);
    expect(Math.abs(worstOf(comparisons).errorPercent)).toBeLessThan(mostErrorPercent);
  },
);

it("a model of another world is caught: what costs in fact more is predicted too low", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const [fiveNodes] = inventedMeasurements(heldOut.slice(0, 1));
  const dearer = { ...fiveNodes!.costs, leaderUs: fiveNodes!.costs.leaderUs! * 1.4 };
  const worst = worstOf(compare({ ...fiveNodes!, costs: dearer }, predict(model, fiveNodes!.configuration)));
  expect(worst).toMatchObject({ configuration: "5 nodes", what: "leaderUs", within: false });
  expect(worst.errorPercent).toBeCloseTo(100 / 1.4 - 100, 0);
});

it("nothing of a prediction is taken from what it is held against", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const [four] = heldOut.filter(({ processes }) => processes === 4);
  expect(predict(model, four!).callsPerEntry).toBeCloseTo(truthOf(four!).callsPerEntry, 6);
  expect(predict(model, four!).callsPerFrame).toBeCloseTo(truthOf(four!).callsPerFrame, 6);
  // More than there are in flight are in no entry.
  const entry = { coefficients: { "whatever there is": Math.log(10_000) }, dropped: [], rmsError: 0 };
  expect(predict({ ...model, callsPerEntry: entry }, reference).callsPerEntry).toBe(256);
  expect(predict({ ...model, callsPerFrame: entry }, four!).callsPerFrame).toBe(64);
});

it("no machine gives more than all of its cores", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const { leaderUs, followerUs, clientUs } = predict(model, reference);
  const free = { ...model, spacing: { coefficients: { "processor time": 0.1 }, dropped: [], rmsError: 0 } };
  const most = (2 * 1e6) / (leaderUs! + 2 * followerUs! + clientUs!);
  expect(predict(free, reference).decisionsPerSecond).toBeCloseTo(most, 3);
});

it("a node alone has no followers, and nothing of them is judged", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const alone = grid.find(({ nodes }) => nodes === 1)!;
  const prediction = predict(model, alone);
  expect(prediction).toMatchObject({ followerUs: null, followerThreadUs: null, followerBytes: null });
  const judged = compare({ configuration: alone, costs: truthOf(alone) }, prediction).map(({ what }) => what);
  expect(judged).toEqual(["leaderUs", "leaderThreadUs", "clientUs", "decisionsPerSecond"]);
});

it("another Node.js is measured at one configuration and predicted at others: its nodes differ by a factor, clients do not", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const slower = ({ costs, configuration }: ReturnType<typeof inventedMeasurements>[number]) => ({
    configuration,
    costs: { ...costs, leaderUs: costs.leaderUs! * 1.6, followerUs: costs.followerUs! * 1.5 },
  });
  const factors = nodeFactors(model, slower(inventedMeasurements([otherReference])[0]!));
  expect(factors.leaderUs).toBeCloseTo(1.6, 6);
  expect(factors.followerUs).toBeCloseTo(1.5, 6);
  const [other] = inventedMeasurements(heldOutOther);
  const without = compare(slower(other!), predict(model, other!.configuration));
  const withThem = compare(slower(other!), predict(model, other!.configuration, factors));
  const leaderOf = (comparisons: typeof without) => comparisons.find(({ what }) => what === "leaderUs")!;
  expect(leaderOf(without).within).toBe(false);
  expect(leaderOf(withThem).errorPercent).toBeCloseTo(0, 6);
  expect(withThem.find(({ what }) => what === "clientUs")!.errorPercent).toBeCloseTo(0, 6);
});

it("configurations that do not tell costs apart are refused, with the resource and the costs", () => {
  const threeNodes = grid.filter(({ nodes }) => nodes === 3);
  expect(() => fitModel(inventedMeasurements(threeNodes), cores)).toThrow(
    /^leaderUs: no measurement tells "each decision, for each follower" apart from "each decision"$/,
  );
  const knownKeys = [...grid.filter(({ keys }) => keys !== "new"), { ...reference, inFlight: 512 }];
  expect(() => fitModel(inventedMeasurements(knownKeys), cores)).toThrow(
    'leaderUs: no measurement has any of "each new key"',
  );
});

it("a situation costs the sum of its parts", () => {
  const model = fitModel(inventedMeasurements(grid), cores);
  const situation: Situation = {
    ...{
      nodes: 5,
      callsPerEntry: 500,
      callsPerFrame: 100,
      keyBytes: 40,
      keys: 1_024 * 2 ** 10,
      newKeys: 1,
      crowding: 2,
    },
  };
  const costs = costsAt(model, situation);
  expect(costs.leaderUs).toBeCloseTo(
    5 + 200 / 500 + 4 * (0.5 + 60 / 500) + 0.012 * 40 + 1.5 + 0.2 * 10 + (2 * 80) / 500,
    6,
  );
  expect(costs.clientUs).toBeCloseTo(3 + (80 + 2 * 120) / 100 + 0.008 * 40, 6);
  expect(costsAt(model, situation, { leaderUs: 2 }).leaderUs).toBeCloseTo(2 * costs.leaderUs, 6);
});
