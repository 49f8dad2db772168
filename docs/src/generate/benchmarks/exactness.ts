import { block, code, paragraphs, table } from "../markdown.ts";
import { readable } from "./numbers.ts";
import type { Facts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

/** One row of the result: what its columns are called, and what stands in them. */
type CellRow = Readonly<Record<string, string | number | null>>;

/** From this load on, whatever the limit lets through must be used. */
const saturated = 2;

function rowsOf({ columns, rows }: Facts): readonly CellRow[] {
  if (!Array.isArray(columns) || !Array.isArray(rows)) return [];
  return rows.map((row: readonly (string | number | null)[]) =>
    Object.fromEntries(columns.map((column: string, at: number) => [column, row[at] ?? null])),
  );
}

const numbers = (rows: readonly CellRow[], column: string) => rows.map((row) => Number(row[column]));
const least = (values: readonly number[]) => (values.length === 0 ? "" : Math.min(...values).toFixed(4));
const most = (values: readonly number[]) => (values.length === 0 ? "" : Math.max(...values).toFixed(4));
const isKilled = ({ kill }: CellRow) => kill !== null;
const isSaturated = ({ load }: CellRow) => Number(load) >= saturated;

/** The worst cells of a part of the grid. */
function summary(name: string, rows: readonly CellRow[]): readonly string[] {
  const full = rows.filter(isSaturated);
  const calm = full.filter((row) => !isKilled(row));
  const killed = full.filter(isKilled);
  return [
    name,
    readable(rows.length),
    least(numbers(calm, "admittedRatio")),
    least(numbers(killed, "admittedRatio")),
    least(numbers(killed, "promptRatio")),
    most(numbers(rows, "boundRatio")),
  ];
}

const summaryTitles = [
  "Cells",
  "How many",
  "Least admittedRatio, no fault",
  "Least admittedRatio, leader killed",
  "Least promptRatio, leader killed",
  "Largest boundRatio",
];

function summaries(rows: readonly CellRow[]): string {
  const lines = [summary("all", rows)];
  const parts = [
    ["algorithm", (value: unknown) => code(String(value))],
    ["nodes", (value: unknown) => `${value} nodes`],
    ["clients", (value: unknown) => `${value} clients`],
    ["load", (value: unknown) => `load ${value}`],
    ["windowMs", (value: unknown) => `window ${Number(value) / 1_000} s`],
  ] as const;
  for (const [column, name] of parts)
    for (const value of new Set(rows.map((row) => row[column])))
      lines.push(
        summary(
          name(value),
          rows.filter((row) => row[column] === value),
        ),
      );
  return table(summaryTitles, lines);
}

function realTable(rows: readonly CellRow[]): string {
  const titles = ["Algorithm", "Nodes", "Clients", "Load", "Window, s", "Longest time without an answer, ms"];
  const lines = rows.map((row) => [
    ...[code(String(row.algorithm)), String(row.nodes), String(row.clients), String(row.load)],
    ...[String(Number(row.windowMs) / 1_000), isKilled(row) ? readable(Number(row.gapMs)) : "not killed"],
    ...[Number(row.admittedRatio).toFixed(4), Number(row.boundRatio).toFixed(4)],
  ]);
  return table([...titles, "admittedRatio", "boundRatio"], lines);
}

/** What others say of themselves, with where they say it. Facts of their repositories and articles as of November 2026. */
const others: readonly (readonly string[])[] = [
  [
    "Unkey",
    "Its own test over several nodes accepts 10 % above the limit per node, so 50 % with five, and 5 % below",
    "`svc/api/integration/multi_node_ratelimiting/run.go` in unkeyed/unkey",
  ],
  [
    "Gubernator",
    'No bound; "acceptable for a small subset of traffic to over request", usually for seconds',
    "`docs/architecture.md` in gubernator-io/gubernator",
  ],
  [
    "Upstash Ratelimit",
    'No bound; over several regions it "cannot guarantee strict limit enforcement"',
    "`skills/features.md` in upstash/ratelimit-js",
  ],
  [
    "envoyproxy/ratelimit",
    'Fixed windows, so twice the limit where two of them meet; with Memcached it is "possible to exceed quota"',
    "its README",
  ],
  ["NestJS throttler", "A limit of 5 let about 400 of 1,000 concurrent requests through", "nestjs/throttler#1303"],
  [
    "Cloudflare",
    "0.003 % of requests were wrongly allowed or limited by its estimate of a sliding window",
    "[its article of 2017](https://blog.cloudflare.com/counting-things-a-lot-of-different-things/), as others quote it",
  ],
  [
    "Databricks",
    "About 5 % above the limit, for counts that are reported every 100 ms",
    "[its article of 2025](https://www.databricks.com/blog/high-performance-ratelimiting-databricks), as others quote it",
  ],
];

/** How near to its limit the cluster comes, and that it never goes beyond. */
export const exactness: ScenarioWords = {
  title: "Exactness",
  command: "npm run exactness -- --save",
  measured: [
    "How near to its limit a cluster comes under load, and whether it ever goes beyond.",
    "A run is a cluster of 1, 3 or 5 nodes and 1, 8 or 64 clients, which ask in an open loop, about half of their calls in bursts, for 0.5 to 10 times what the limit lets through in windows of 1 second to 1 minute.",
    "Every algorithm has a key of its own in the run, and is one cell.",
    "In half of the runs the leader dies in the middle, by `kill -9` or with its whole machine. Clients ask to throw instead of deciding by themselves, so nothing here is degraded.",
  ].join(" "),
  result(data) {
    const rows = rowsOf(data);
    const full = rows.filter(isSaturated);
    const calm = least(
      numbers(
        full.filter((row) => !isKilled(row)),
        "admittedRatio",
      ),
    );
    const killed = least(numbers(full.filter(isKilled), "admittedRatio"));
    const sum = (column: string) => readable(numbers(rows, column).reduce((total, value) => total + value, 0));
    return `${readable(rows.length)} cells with ${sum("arrivals")} calls, ${sum("unanswered")} of them without an answer: the largest admission in any window was ${most(numbers(rows, "boundRatio"))} of the published bound. From load 2 on, at least ${calm} of what is right was admitted, and ${killed} where the leader was killed.`;
  },
  details(data) {
    const rows = rowsOf(data);
    const real = rows.filter(({ world }) => world === "real");
    const simulated = rows.filter(({ world }) => world === "simulated");
    return paragraphs(
      "## What is counted",
      [
        "- **boundRatio**: the largest admission in any window ÷ the bound that the algorithm publishes. Every window counts that begins at an admission, for `fixed-window` and `sliding-window-counter` those at the multiples of their length too, and for `token-bucket` every stretch between two admissions. Above 1 is a failure, in any cell.",
        "- **admittedRatio**: what callers were admitted ÷ what a naive model admits that decides the same arrivals in the same order at the same stamps, over whole windows in stamps. The model never fails and shares no code with the limiter. A call that got no answer is an arrival, too. From load 2 on, below 0.99 is a failure, or below 0.95 where the leader is killed.",
        "- **promptRatio**: the same, but the model decides each call at the moment of asking, so time that calls spent waiting for a new leader counts as lost. There is no limit for it: it says what a failover costs in a run of a few windows.",
      ].join("\n"),
      "All are rounded against the cluster, to four digits.",
      "## Simulated: the whole grid",
      "Nodes from their driver down and the SDK's core are production code, on virtual time, network and disk, which makes windows of a minute affordable. The log is read from the messages between the nodes, and a second audit replays it: wherever the limit is at most 256, every answer must equal the model's in `remaining`, `resetAfterMs` and `retryAfterMs`, too.",
      simulated.length === 0 ? "The result has none." : summaries(simulated),
      "## Real processes",
      "The same with node processes on loopback, `kill -9`, and the published SDK over gRPC, all on one machine. There the bound is judged by the callers' own monotonic clock: calls that began and ended within window ÷ 1.01 fell into one window of the cluster.",
      real.length === 0 ? "The result has none." : realTable(real),
      "## What others accept",
      table(["Who", "What they say", "Where"], others),
      "The sample that ends within 45 seconds:",
      block("sh", "npm run exactness -- --quick"),
    );
  },
  picture: () => null,
};
