import { expect, it } from "vitest";
import { onMachinesOfTheirOwn, onOneMachine } from "./capacity.ts";
import type { Resource, ScalingModel, Situation } from "./cost-model.ts";
import type { Fit } from "./fewest-terms.ts";

const each = (coefficient: number): Fit => ({
  ...{ coefficients: { "each decision": coefficient }, dropped: [], rmsError: 0 },
});

/** A model in which every decision takes so much, whatever it is like. */
function modelOf(costs: Partial<Record<Resource, number>>): ScalingModel {
  const nodes = { leaderThreadUs: 4, leaderOthersUs: 1, followerThreadUs: 2, followerOthersUs: 1 };
  const bytes = { leaderSentBytes: 100, leaderLogBytes: 50, followerLogBytes: 50 };
  const entries = Object.entries({ ...nodes, clientUs: 3, flushUs: 1, ...bytes, ...costs });
  const fits = Object.fromEntries(entries.map(([name, value]) => [name, each(value)])) as ScalingModel["costs"];
  return { cores: 2, costs: fits, callsPerEntry: each(1), callsPerFrame: each(1), spacing: each(1) };
}

const situation: Situation = {
  ...{ nodes: 3, callsPerEntry: 256, callsPerFrame: 256, keyBytes: 16, keys: 1_000, newKeys: 0, crowding: 0 },
};
const firstOf = (costs: Partial<Record<Resource, number>>, nodes = 3) =>
  onMachinesOfTheirOwn(modelOf(costs), { ...situation, nodes }).limits[0];

it("on machines of their own, what takes longest for a decision runs out first", () => {
  expect(firstOf({})).toEqual({ what: "the leader's main thread", decisionsPerSecond: 250_000 });
  expect(firstOf({ followerThreadUs: 8 })).toEqual({ what: "a follower's main thread", decisionsPerSecond: 125_000 });
  // How long a flush takes beside others on the same cores says nothing of one with a core of its own.
  expect(firstOf({ flushUs: 10 })?.what).toBe("the leader's main thread");
  expect(firstOf({ leaderSentBytes: 1_250 })).toMatchObject({ decisionsPerSecond: 100_000 });
  // The log goes to the disk, and not to the network.
  expect(firstOf({ leaderLogBytes: 1_250 })?.what).toBe("the leader's main thread");
  // What other threads of a node take has other cores.
  expect(firstOf({ leaderOthersUs: 50 })?.what).toBe("the leader's main thread");
  expect(firstOf({ followerThreadUs: 8 }, 1)?.what).toBe("the leader's main thread");
});

it("says how many client processes it takes to ask for so much", () => {
  expect(onMachinesOfTheirOwn(modelOf({}), situation).clientProcesses).toBe(1);
  expect(onMachinesOfTheirOwn(modelOf({ clientUs: 9 }), situation).clientProcesses).toBe(3);
});

it("on one machine all of them share the cores, until there are enough", () => {
  const [cores] = onOneMachine(modelOf({}), situation, 2).limits;
  expect(cores).toEqual({ what: "the machine's cores", decisionsPerSecond: Math.round(2e6 / (5 + 2 * 3 + 3)) });
  expect(onOneMachine(modelOf({}), { ...situation, nodes: 5 }, 2).limits[0]!.decisionsPerSecond).toBe(
    Math.round(2e6 / (5 + 4 * 3 + 3)),
  );
  const many = onOneMachine(modelOf({}), situation, 64);
  expect(many.limits[0]!.what).toBe("the leader's main thread");
  expect(many.limits.map(({ what }) => what)).not.toContain("the leader's network, at 1 Gbit/s");
});
