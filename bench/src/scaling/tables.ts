import { markdownTable } from "../markdown-table.ts";
import type { Capacity } from "./capacity.ts";
import { type Costs, type Resource, resources } from "./cost-model.ts";
import type { Fit } from "./fewest-terms.ts";
import { type Comparison, judged } from "./judge.ts";

/** A configuration as a row: its name, and medians. */
export interface CostRow {
  readonly configuration: string;
  readonly costs: Costs;
}

const whole = (value: number) => Math.round(value).toLocaleString("en");
/** With two digits where they say something, and three where a value is small. */
const short = (value: number | null) =>
  value === null ? "–" : value.toLocaleString("en", { maximumSignificantDigits: value < 100 ? 3 : 4 });
const percent = (value: number) => `${value > 0 ? "+" : ""}${value.toLocaleString("en")} %`;

/** What a decision takes of whom, made of what. A row for each resource, with what it takes for what. */
export function fitsTable(costs: Readonly<Record<string, Fit>>): string {
  const rows = Object.entries(costs).flatMap(([name, { coefficients, rmsError }]) => {
    const { words, unit } = resources[name as Resource];
    return Object.entries(coefficients).map(([term, value], at) => [
      at === 0 ? words : "",
      term,
      `${short(value)} ${unit}`,
      at === 0 ? `${(rmsError * 100).toLocaleString("en", { maximumFractionDigits: 1 })} %` : "",
    ]);
  });
  return markdownTable(["Of", "For", "It takes", "Fitted to within"], rows);
}

const costColumns = {
  callsPerEntry: "Calls per entry",
  callsPerFrame: "Calls per frame",
  leaderUs: "Leader, µs",
  leaderThreadUs: "its main thread",
  followerUs: "Follower, µs",
  followerThreadUs: "its main thread",
  clientUs: "Clients, µs",
  flushUs: "Leader's disk, µs",
  leaderBytes: "Leader writes, bytes",
  followerBytes: "Follower writes, bytes",
} as const satisfies Partial<Record<keyof Costs, string>>;

/** What was measured, of one decision. */
export function costsTable(rows: readonly CostRow[]): string {
  const columns = Object.entries(costColumns) as [keyof typeof costColumns, string][];
  return markdownTable(
    ["Configuration", "Decisions/s", ...columns.map(([, title]) => title)],
    rows.map(({ configuration, costs }) => [
      configuration,
      whole(costs.decisionsPerSecond),
      ...columns.map(([name]) => short(costs[name])),
    ]),
  );
}

/** Predictions beside what came: a row for each configuration. What is too far off is in bold. */
export function comparisonsTable(comparisons: readonly Comparison[]): string {
  const columns = Object.entries(judged);
  const configurations = [...new Set(comparisons.map(({ configuration }) => configuration))];
  return markdownTable(
    ["Configuration", ...columns.map(([, title]) => title)],
    configurations.map((configuration) => [
      configuration,
      ...columns.map(([name]) => {
        const found = comparisons.find((one) => one.configuration === configuration && one.what === name);
        if (found === undefined) return "–";
        const { predicted, measured, errorPercent, within } = found;
        const show = name === "decisionsPerSecond" ? whole : short;
        const error = within ? percent(errorPercent) : `**${percent(errorPercent)}**`;
        return `${show(predicted)} for ${show(measured)}: ${error}`;
      }),
    ]),
  );
}

/** Where one leader ends: a row for each situation, what runs out first before what runs out later. */
export function capacitiesTable(capacities: readonly Capacity[]): string {
  return markdownTable(
    ["Nodes", "Calls per entry", "Key, bytes", "Keys in use", "Runs out first", "Client processes", "Then"],
    capacities.map(({ nodes, callsPerEntry, keyBytes, keys, newKeys, limits, clientProcesses }) => {
      const [first, ...rest] = limits.map((one) => `${one.what} at ${whole(one.decisionsPerSecond)}/s`);
      const inUse = `${whole(keys)}${newKeys > 0 ? ", and every call's is new" : ""}`;
      const facts = [...[nodes, callsPerEntry, keyBytes].map(whole), inUse];
      return [...facts, first!, whole(clientProcesses), rest.join("; ")];
    }),
  );
}
