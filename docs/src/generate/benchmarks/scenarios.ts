import { inlineSvg, latencyTimeline, pictureThemeCss, type TimelineCall } from "@quorumguard/pictures";
import { decisionsPlans } from "../../../../bench/src/scenarios/decisions.ts";
import { paragraphs } from "../markdown.ts";
import { deadCluster } from "./dead-cluster.ts";
import { decisions } from "./decisions.ts";
import { exactness } from "./exactness.ts";
import { factsMarkdown, rowsTable, samplesTable } from "./generic.ts";
import { idleCores } from "./idle-cores.ts";
import { machineAlone } from "./machine-alone.ts";
import { millionKeys } from "./million-keys.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import { scaling } from "./scaling.ts";
import { sdkAnswers } from "./sdk-answers.ts";
import { whereTimeGoes } from "./where-time-goes.ts";

/** How one scenario is told. The numbers are the result's; only the words are here. */
export interface ScenarioWords {
  readonly title: string;
  /** What repeats the measurement; default: `npm run bench` with the scenario's name. */
  readonly command?: string;
  /** What was measured, in Markdown. */
  readonly measured: string;
  /** The result in one sentence. */
  result(data: Facts): string;
  /** Tables, from the second level of headings on. */
  details(data: Facts): string;
  /** The picture, drawn for pages that have a light and a dark theme; null: the result has none. */
  picture(data: Facts): string | null;
}

const redisUnique: ScenarioWords = {
  title: "Unique keys, against Redis",
  measured: [
    "Decisions per second of 256 callers, each with one call in flight, every call with a key of its own.",
    "QuorumGuard is three nodes that flush every entry to disk; Redis is one process with a Lua script and no persistence.",
    "The systems take turns, and nodes, Redis and callers share the machine. Redis runs with and without the client's automatic pipelining; the faster of the two counts.",
  ].join(" "),
  result(data) {
    const [ours, redis, ratio] = [data.ours, data.redis, data.ratio].map(Number) as [number, number, number];
    const verdict = ratio >= 1 ? "QuorumGuard was faster" : "QuorumGuard was slower";
    return `${readable(ours)} decisions per second against ${readable(redis)} of Redis, a ratio of ${readable(ratio)}: ${verdict} in this run.`;
  },
  details(data) {
    const samples = isFacts(data.samples) ? (data.samples as Readonly<Record<string, readonly Facts[]>>) : {};
    const flushes = Array.isArray(data.flushesPerNode) ? data.flushesPerNode.map((one) => readable(Number(one))) : [];
    return paragraphs(
      "## Samples",
      "Median, with the least and the most in brackets.",
      samplesTable(samples, ["decisionsPerSecond", "p50Ms", "p99Ms"]),
      flushes.length === 0
        ? ""
        : `Each node flushed its log during QuorumGuard's samples: ${flushes.join(", ")} times.`,
    );
  },
  picture: () => null,
};

const failover: ScenarioWords = {
  title: "Failover",
  measured: [
    "The leader of three nodes is ended by `kill -9` under load, again and again.",
    "A gap is the longest time in which a caller, who asks at a fixed interval whatever became of its earlier calls, was without an answer of the cluster.",
    "Nodes and clients share the machine.",
  ].join(" "),
  result(data) {
    const gap = isFacts(data.gapMs) ? data.gapMs : {};
    const [middle, least, most] = [gap.median, gap.min, gap.max].map((one) => readable(Number(one)));
    return `${readable(Number(data.kills))} leaders killed: ${middle} ms without an answer in the median (${least} to ${most} ms); ${readable(Number(data.failed))} failed and ${readable(Number(data.degraded))} degraded of ${readable(Number(data.decisions))} calls.`;
  },
  details(data) {
    return paragraphs(
      "## Every kill",
      Array.isArray(data.trials) ? rowsTable(data.trials.filter(isFacts)) : "",
      "## Load",
      isFacts(data.load) ? factsMarkdown(data.load) : "",
    );
  },
  picture(data) {
    const calls = timelineCalls(data.shown);
    if (calls === null) return null;
    const interval = isFacts(data.load) ? Number(data.load.callIntervalMs) : Number.NaN;
    const drawn = latencyTimeline({
      title: "Every call around a killed leader",
      calls,
      ...(Number.isFinite(interval) ? { note: `one call every ${interval} ms` } : {}),
    });
    const caption =
      isFacts(data.shown) && typeof data.shown.trial === "number" ? kill(data.shown.trial, data.kills) : "";
    return `<figure class="picture not-content">\n<style>${pictureThemeCss}</style>\n${inlineSvg(drawn)}\n${caption}</figure>`;
  },
};

/** Which kill is shown: the scenario keeps the calls of the one whose gap is the median, or next to it. */
function kill(trial: number, kills: unknown): string {
  return `<figcaption>Kill ${trial} of ${readable(Number(kills))}, whose gap is the nearest to the median.</figcaption>\n`;
}

/** The calls that the result shows, kept in columns. */
function timelineCalls(shown: unknown): readonly TimelineCall[] | null {
  if (!isFacts(shown)) return null;
  const { startedAtMs, latencyMs, outcomes } = shown;
  if (!Array.isArray(startedAtMs) || !Array.isArray(latencyMs) || !Array.isArray(outcomes)) return null;
  return startedAtMs.map((at, call) => ({ startedAtMs: at, latencyMs: latencyMs[call], outcome: outcomes[call] }));
}

/** A scenario that nobody has found words for. */
export function unknownScenario(name: string): ScenarioWords {
  return {
    title: name.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replaceAll("-", " "),
    measured: "",
    result: (data) => {
      const numbers = Object.entries(data).filter((entry): entry is [string, number] => typeof entry[1] === "number");
      return numbers.length === 0
        ? "See the page."
        : `${numbers.map(([field, value]) => `${field} ${readable(value)}`).join(", ")}.`;
    },
    details: ({ scenario: _, machine: __, commit: ___, dirty: ____, ...rest }) =>
      paragraphs("## Result", factsMarkdown(rest)),
    picture: () => null,
  };
}

/** Scenarios with words of their own. */
export const scenarioWords: ReadonlyMap<string, ScenarioWords> = new Map<string, ScenarioWords>([
  ...decisionsPlans.map((plan) => [plan.name, decisions(plan)] as const),
  ["dead-cluster", deadCluster],
  ["exactness", exactness],
  ["failover", failover],
  ["machine-alone", machineAlone],
  ["million-keys", millionKeys],
  ["redis-unique", redisUnique],
  ["scaling", scaling],
  ["sdk-answers", sdkAnswers],
  ["where-time-goes", whereTimeGoes],
  ["idle-cores", idleCores],
]);
