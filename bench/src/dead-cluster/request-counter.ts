import type { LocalCluster } from "@quorumguard/testbed";
import { machineMs } from "./messages.ts";

/** What a node has answered so far: what it decided, and that with what it refused. */
interface Answered {
  readonly decided: number;
  readonly requests: number;
}

/** Of each node, as it says itself on `/metrics`; null: it does not say. */
type Counts = readonly (Answered | null)[];

const nothing: Answered = { decided: 0, requests: 0 };

const counters = /^quorumguard_(decisions_total|repeated_answers_total|failed_calls_total)(?:\{[^}]*\})? (\S+)$/gm;

/** How many requests for a decision the nodes answered or refused, one by one. */
async function countAll(cluster: LocalCluster, timeoutMs: number): Promise<Counts> {
  return Promise.all(
    cluster.nodes.map(async ({ metricsUrl }) => {
      try {
        const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(timeoutMs) });
        const text = await response.text();
        let [decided, requests] = [0, 0];
        for (const [, name, value] of text.matchAll(counters)) {
          requests += Number(value);
          if (name === "decisions_total") decided += Number(value);
        }
        return { decided, requests };
      } catch {
        return null;
      }
    }),
  );
}

/** The same of nodes that all live. @throws {Error} when one does not answer. */
async function countSurely(cluster: LocalCluster): Promise<Counts> {
  const counts = await countAll(cluster, 10_000);
  if (counts.includes(null)) throw new Error("a node does not say what it has answered");
  return counts;
}

const sumOf = (counts: Counts, of: keyof Answered) => counts.reduce((sum, count) => sum + (count?.[of] ?? 0), 0);

/** Requests per second over the next `ms`. */
export async function steadyRate(cluster: LocalCluster, ms: number): Promise<number> {
  const from = { counts: await countSurely(cluster), atMs: machineMs() };
  await new Promise((resolve) => setTimeout(resolve, ms));
  const to = { counts: await countSurely(cluster), atMs: machineMs() };
  return ((sumOf(to.counts, "requests") - sumOf(from.counts, "requests")) * 1_000) / (to.atMs - from.atMs);
}

/** One look at all nodes. */
interface Look {
  readonly doneMs: number;
  readonly counts: Counts;
}

/** How often nodes are looked at, and for how long: one that is paused takes the question and does not answer. */
const LOOK_EVERY_MS = 40;
const LOOK_TIMEOUT_MS = 200;

/** Watches what the nodes answer, from a moment at which all of them can be asked. */
export class RequestWatch {
  readonly #cluster: LocalCluster;
  readonly #looks: Look[] = [];
  readonly #watching: Promise<void>;
  #over = false;

  private constructor(cluster: LocalCluster, counts: Counts) {
    this.#cluster = cluster;
    this.#looks.push({ doneMs: machineMs(), counts });
    this.#watching = this.#watch();
  }

  /** Begins while all nodes live, so that it is known what they had answered before. */
  static async begin(cluster: LocalCluster): Promise<RequestWatch> {
    return new RequestWatch(cluster, await countSurely(cluster));
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      const counts = await countAll(this.#cluster, LOOK_TIMEOUT_MS);
      this.#looks.push({ doneMs: machineMs(), counts });
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /**
   * Ends the watch, and tells how many requests came in the second after the first one that came when the fault had ended.
   * `restarted`: the nodes count from zero. What the looks leave open is counted, not left out.
   *
   * @throws {Error} when it was not watched for so long, or nobody asked.
   */
  async firstSecondAfter(endedMs: number, restarted: boolean): Promise<number> {
    this.#over = true;
    await this.#watching;
    const zero: Counts = this.#cluster.nodes.map(() => nothing);
    const before = restarted ? zero : latest(this.#looks.filter(({ doneMs }) => doneMs < endedMs));
    const after = this.#looks.filter(({ doneMs }) => doneMs >= endedMs);
    const totals = after.map(({ doneMs, counts }, at) => ({
      doneMs,
      complete: !counts.includes(null),
      ...since(before, latest([{ counts: before }, ...after.slice(0, at + 1)])),
    }));
    // Paused nodes may answer what they had received, and what they answered after the last look is seen only now.
    const complete = restarted ? 0 : totals.findIndex((total) => total.complete);
    const base = totals[complete]?.decided ?? 0;
    // While nobody leads yet, calls may be refused.
    const first = totals.findIndex(({ decided }, at) => at >= complete && decided > base);
    if (first < 1) throw new Error("the cluster was not asked again");
    const fromMs = totals[first - 1]!.doneMs;
    // Only who is heard of can have been asked too often.
    const end = totals.find((total) => total.complete && total.doneMs >= fromMs + 1_000 + LOOK_EVERY_MS);
    if (end === undefined) throw new Error("the cluster was watched for less than a second");
    return end.requests;
  }
}

/** Of each node what it said last. */
function latest(looks: readonly Pick<Look, "counts">[]): Counts {
  const nodes = looks.at(-1)?.counts.length ?? 0;
  return Array.from(
    { length: nodes },
    (_, node) => looks.findLast(({ counts }) => counts[node] !== null)?.counts[node] ?? nothing,
  );
}

function since(before: Counts, after: Counts): Answered {
  const grown = (of: keyof Answered) => sumOf(after, of) - sumOf(before, of);
  return { decided: grown("decided"), requests: grown("requests") };
}
