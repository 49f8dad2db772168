import { paragraphs, table } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const faults: Readonly<Record<string, string>> = {
  kill: "every node killed",
  pause: "every node paused",
  blackhole: "every connection silent",
};

const held = [
  ["lateP99Ms", "beyond their deadline calls waited without the breaker, p99, ms"],
  ["openP50Ms", "a call waited with the breaker open, p50, ms"],
  ["recoveryMs", "from the cluster's return to answers of the quorum alone, ms"],
  ["firstSecondOverSteady", "calls in the first second after it, of as many in a steady one"],
] as const;

/** A cluster that answers nobody: how long callers wait, and how they come back. */
export const deadCluster: ScenarioWords = {
  title: "A dead cluster",
  measured: [
    "Two processes ask at a fixed rate while nobody answers, by each kind of fault in turn, and go on asking when the cluster is back.",
    "Calls have a deadline and answer from memory when it is over; after some of them a breaker is open, and calls no longer wait.",
  ].join(" "),
  result(data) {
    const verdict = data.holds === true ? "within every bound" : "NOT within every bound";
    return `${readable(Number(data.outages))} outages: calls waited ${readable(Number(data.lateP99Ms))} ms beyond their deadline at p99, and ${readable(Number(data.openP50Ms))} ms with the breaker open; ${readable(Number(data.recoveryMs))} ms after the cluster's return all answers were the quorum's, ${verdict}.`;
  },
  details(data) {
    const promised = isFacts(data.promised) ? data.promised : {};
    const bounds = held.map(([field, words]) => [
      words,
      readable(Number(data[field])),
      readable(Number(promised[field])),
    ]);
    const rounds = Array.isArray(data.rounds) ? data.rounds.filter(isFacts).map(roundRow) : [];
    return paragraphs(
      "## Bounds",
      table(["What", "Measured", "At most"], bounds),
      "## Every outage",
      "Of calls that waited for their deadline: how far beyond it. Of calls that the open breaker answered: how long they took.",
      table(
        [
          "Fault",
          "Calls",
          "Failed",
          "Late, p50 / p99 / most, ms",
          "Breaker open, p50 / p99 / most, ms",
          "Back after, ms",
        ],
        rounds,
      ),
    );
  },
  picture: () => null,
};

function roundRow({ fault, calls, failed, lateMs, openMs, recoveryMs }: Facts): string[] {
  const spread = (value: unknown) =>
    isFacts(value) ? [value.p50, value.p99, value.max].map((one) => readable(Number(one))).join(" / ") : "–";
  const name = faults[String(fault)] ?? String(fault);
  return [
    name,
    readable(Number(calls)),
    readable(Number(failed)),
    spread(lateMs),
    spread(openMs),
    readable(Number(recoveryMs)),
  ];
}
