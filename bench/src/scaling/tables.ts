import { markdownTable, whole } from "../markdown-table.ts";
import { spreadOf } from "../median.ts";
import type { ScalingSample } from "./bed.ts";
import type { Capacity, MeasuredRate } from "./capacity.ts";
import { type Costs, type Resource, resources } from "./cost-model.ts";
import { type Fit, notToldApart } from "./fewest-terms.ts";
import { type Comparison, judged } from "./judge.ts";

/** A configuration as a row: its name, and medians. */
export interface CostRow {
  readonly configuration: string;
  readonly costs: Costs;
}

/** With two digits where they say something, and three where a value is small. */
const short = (value: number | null | undefined) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en", { maximumSignificantDigits: value < 100 ? 3 : 4 });
const percent = (value: number) => `${value > 0 ? "+" : ""}${value.toLocaleString("en")} %`;

/** What a decision takes of whom: for each resource a row with what it takes for what, also where that is not known. A resource that has no fit has no row. */
export function fitsTable(costs: Readonly<Partial<Record<Resource, Fit>>>): string {
  const rows = Object.entries(resources).flatMap(([name, { words, unit }]) => {
    const { coefficients = {}, dropped = [], rmsError = 0 } = costs[name as Resource] ?? {};
    const found = Object.entries(coefficients).map(([term, value]) => [term, `${short(value)} ${unit}`]);
    return [...found, ...dropped.map((term) => [term, notToldApart])].map(([term, takes], at) => [
      at === 0 ? words : "",
      term!,
      takes!,
      at === 0 ? `${(rmsError * 100).toLocaleString("en", { maximumFractionDigits: 1 })} %` : "",
    ]);
  });
  return markdownTable(["Of", "For", "It takes", "Fitted to within"], rows);
}

const costColumns = {
  callsPerEntry: "Calls per entry",
  callsPerFrame: "Calls per frame",
  leaderUs: "Leader, µs",
  leaderThreadUs: "its main thread, µs",
  leaderOthersUs: "its other threads, µs",
  followerUs: "Follower, µs",
  followerThreadUs: "its main thread, µs",
  followerOthersUs: "its other threads, µs",
  clientUs: "Clients, µs",
  flushUs: "Leader's disk, µs",
  leaderSentBytes: "Leader sends, bytes",
  leaderLogBytes: "Leader's log, bytes",
  followerLogBytes: "Follower's log, bytes",
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

const steadiedColumns = {
  decisionsPerSecond: "Decisions/s",
  leaderUs: "Leader, µs",
  followerUs: "Follower, µs",
  clientUs: "Clients, µs",
} as const satisfies Partial<Record<keyof ScalingSample, string>>;

type SamplesByName = Readonly<Record<string, readonly ScalingSample[]>>;

/** All samples, by configuration, as a result has them. */
export interface SteadyingSamples {
  readonly asMeasured: SamplesByName;
  readonly steadied: SamplesByName;
}

/** What the table of it needs to be understood. */
export const steadyingWords = [
  "Each sample's times and rate are divided by how much slower, or faster, the samples of the reference before and after it were than all of the reference's in the median.",
  "So the reference itself is the gauge, and all of its steadied samples come to one number. Both parts of a node's processor time are divided by the same. Bytes, and calls per entry and frame, stay as they were.",
  "Median, with the least and the most in brackets.",
].join(" ");

/** Samples of each configuration as they were measured and steadied: medians, with the least and the most in brackets. */
export function steadyingTable(samples: SteadyingSamples): string {
  const columns = Object.entries(steadiedColumns) as [keyof typeof steadiedColumns, string][];
  const spread = (values: readonly (number | null)[], show: (value: number) => string) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? "–" : spreadOf(known, show);
  };
  return markdownTable(
    ["Configuration", "Samples", ...columns.flatMap(([, title]) => [title, "steadied"])],
    Object.entries(samples.asMeasured).map(([configuration, measured]) => [
      configuration,
      whole(measured.length),
      ...columns.flatMap(([name]) => {
        const show = name === "decisionsPerSecond" ? whole : short;
        return [measured, samples.steadied[configuration] ?? []].map((some) =>
          spread(
            some.map((sample) => sample[name]),
            show,
          ),
        );
      }),
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

/**
 * Where one leader ends: a row for each situation, what runs out first before what runs out later. Where capacities are of the machine
 * that was measured on, what came there stands beside them.
 */
export function capacitiesTable(
  capacities: readonly (Capacity & { readonly measured?: MeasuredRate | null })[],
): string {
  const isMeasured = capacities.some(({ measured }) => measured !== undefined);
  return markdownTable(
    [
      ...["Nodes", "Calls per entry", "Key, bytes", "Keys in use", "Runs out first"],
      ...(isMeasured ? ["Measured with as many in flight"] : []),
      ...["Client processes", "Then"],
    ],
    capacities.map(({ nodes, callsPerEntry, keyBytes, keys, newKeys, limits, clientProcesses, measured }) => {
      const [first, ...rest] = limits.map((one) => `${one.what} at ${whole(one.decisionsPerSecond)}/s`);
      const inUse = `${whole(keys)}${newKeys > 0 ? ", and every call's is new" : ""}`;
      const facts = [...[nodes, callsPerEntry, keyBytes].map(whole), inUse];
      const came = isMeasured ? [measured ? measuredRateWords(measured) : "–"] : [];
      return [...facts, first!, ...came, whole(clientProcesses), rest.join("; ")];
    }),
  );
}

/** A measured rate, and how full the entries were that it came with. */
export function measuredRateWords({ decisionsPerSecond, callsPerEntry }: MeasuredRate): string {
  return `${whole(decisionsPerSecond)}/s, with ${whole(callsPerEntry)} calls in an entry`;
}

/** Where measurements end, and capacities go on. */
export function extrapolationWords(rows: readonly CostRow[]): string {
  const most = Math.max(...rows.map(({ costs }) => costs.callsPerEntry));
  return `The fullest entries that were measured held ${whole(most)} calls: what is told of fuller ones is extrapolated.`;
}
