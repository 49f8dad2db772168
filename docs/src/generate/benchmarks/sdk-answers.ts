import { paragraphs, table } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const answers = [
  ["bare", "nothing: the loop alone, with a promise that is there already"],
  ["lease", "an admission by a lease that the process holds"],
  ["denial", "a denial that the process remembers"],
] as const;

/** What the SDK answers without the network. */
export const sdkAnswers: ScenarioWords = {
  title: "Answers without the network",
  measured: [
    "One process awaits call after call that the SDK answers by itself, beside a bare loop that awaits promises.",
    "They take turns in blocks; afterwards several processes use up one key by leases, and what was admitted is counted.",
  ].join(" "),
  result(data) {
    const verdict = data.within === true ? "within" : "NOT within";
    return `A lease answers in ${readable(Number(data.leaseUs))} µs and a remembered denial in ${readable(Number(data.denialUs))} µs, where the bare loop takes ${readable(Number(data.bareUs))} µs: ${verdict} the bound of ${readable(Number(data.mostUs))} µs; ${readable(Number(data.overAdmitted))} over-admitted.`;
  },
  details(data) {
    const samples = isFacts(data.samples) ? data.samples : {};
    const shared = isFacts(data.shared) ? data.shared : {};
    return paragraphs(
      "## Microseconds for one call",
      "Wall time and the process's processor time, over blocks of calls. The last column is the processor time in units of the bare loop's.",
      table(
        ["What answers", "Blocks", "Mean", "Median", "p99", "Processor", "× bare"],
        answers.map(([field, words]) => answerRow(words, samples[field])),
      ),
      "## One key, used up by several processes",
      `Of a limit of ${readable(Number(shared.limit))}, ${readable(Number(shared.admitted))} were admitted, ${readable(Number(shared.byLease))} of them by leases.`,
    );
  },
  picture: () => null,
};

function answerRow(words: string, sample: unknown): string[] {
  const { blocks, meanUs, medianUs, p99Us, cpuUs, ratio }: Facts = isFacts(sample) ? sample : {};
  return [words, ...[blocks, meanUs, medianUs, p99Us, cpuUs, ratio].map((one) => readable(Number(one)))];
}
