import type { MeasuredRate } from "../../../../bench/src/scaling/capacity.ts";
import { notToldApart } from "../../../../bench/src/scaling/fewest-terms.ts";
import type { CostRow } from "../../../../bench/src/scaling/tables.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";

/** What a result of `scaling` has measured of a configuration; undefined: it has no such one. */
function measuredOf({ configurations }: Facts, name: string): CostRow["costs"] | undefined {
  const rows = Array.isArray(configurations) ? (configurations as readonly CostRow[]) : [];
  return rows.find(({ configuration }) => configuration === name)?.costs;
}

/** What the busiest configuration came to, with all processes on one machine; undefined: the result does not have it. */
export function busiestOf(data: Facts): MeasuredRate | undefined {
  return measuredOf(data, "1,024 in flight");
}

/** The numbers of a result of `scaling` that pages quote, in words. A result of an earlier version has not all of them. */
export function quotedCosts(data: Facts) {
  const costs = isFacts(data.costs) ? data.costs : {};
  const endsAt = isFacts(data.endsAt) ? data.endsAt : {};
  const reference = measuredOf(data, "reference");
  const busiest = busiestOf(data);
  // The threads of a node were once fitted as one.
  const node = (role: "leader" | "follower") =>
    isFacts(costs[`${role}OthersUs`]) ? [`${role}ThreadUs`, `${role}OthersUs`] : [`${role}Us`];
  const us = (resources: readonly string[], term: string) => {
    const found = resources.flatMap((name) => {
      const value = isFacts(costs[name]) ? costs[name][term] : undefined;
      return typeof value === "number" ? [value] : [];
    });
    return found.length === 0 ? notToldApart : `${readable(found.reduce((sum, one) => sum + one, 0))} µs`;
  };
  return {
    leader: {
      decision: us(node("leader"), "each decision"),
      entry: us(node("leader"), "each entry"),
      decisionOfNode: us(node("leader"), "each decision, for each follower"),
      entryOfNode: us(node("leader"), "each entry, for each follower"),
      newKey: us(node("leader"), "each new key"),
    },
    follower: {
      decision: us(node("follower"), "each decision"),
      entry: us(node("follower"), "each entry"),
      newKey: us(node("follower"), "each new key"),
    },
    client: { decision: us(["clientUs"], "each decision"), frame: us(["clientUs"], "each frame") },
    sentBytes: readable(Number(reference?.leaderSentBytes ?? Number.NaN)),
    logBytes: readable(Number(reference?.leaderLogBytes ?? Number.NaN)),
    endsAt: readable(Number(endsAt.decisionsPerSecond)),
    endsBy: String(endsAt.what),
    busiest: readable(Math.round(busiest?.decisionsPerSecond ?? Number.NaN)),
    busiestCallsPerEntry: readable(Math.round(busiest?.callsPerEntry ?? Number.NaN)),
  };
}
