import { commitWords } from "../../../../bench/src/commit.ts";
import { block, code, paragraphs } from "../markdown.ts";
import type { Page } from "../page.ts";
import { capital } from "./generic.ts";
import { fieldWords, readable } from "./numbers.ts";
import { type Facts, isFacts, type ResultFile } from "./result-file.ts";
import { type ScenarioWords, scenarioWords, unknownScenario } from "./scenarios.ts";

/** `benchmarks/*`: a page per scenario, and one with all results in a line each. */
export function benchmarkPages(results: readonly ResultFile[]): readonly Page[] {
  return [indexPage(results), ...results.map((result, at) => scenarioPage(result, at + 1))];
}

function wordsOf(result: ResultFile): ScenarioWords {
  return scenarioWords.get(result.scenario) ?? unknownScenario(result.scenario);
}

function commandOf({ scenario, quick }: ResultFile, { command }: ScenarioWords): string {
  if (command !== undefined) return command;
  return `npm run bench --${quick ? " --quick" : ""} --only ${scenario}`;
}

function indexPage(results: readonly ResultFile[]): Page {
  const lines = results.map((result) => {
    const { title, result: sentence } = wordsOf(result);
    return `- [${title}](/benchmarks/${result.scenario}/): ${sentence(result.data)}`;
  });
  return {
    path: "benchmarks/index",
    title: "Benchmarks",
    description: "What was measured on one machine, with the command that repeats each measurement.",
    order: 0,
    label: "All benchmarks",
    body: paragraphs(
      "Each page is made from a file in `bench/results` that `npm run bench` or `npm run exactness` wrote. One run on one machine: yours gives other numbers, and so does the next run on this one.",
      lines.join("\n"),
      "A lone call waits for a flush on a majority of nodes, so it cannot be as quick as a lone call to a Redis that flushes nothing.",
    ),
  };
}

function scenarioPage(result: ResultFile, order: number): Page {
  const words = wordsOf(result);
  const { data, scenario, quick } = result;
  const picture = words.picture(data) ?? (result.picture === null ? null : pictureFile(words.title, result.picture));
  return {
    path: `benchmarks/${scenario}`,
    title: words.title,
    description: `Result of the benchmark ${scenario}, with machine, samples and the command that repeats it.`,
    order,
    body: paragraphs(
      words.measured,
      `**Result.** ${words.result(data)}`,
      quick ? "This was a quick run, with fewer and shorter samples than a thorough one." : "",
      picture ?? "",
      words.details(data),
      "## Commit and machine",
      [`- Commit: ${commitOf(data)}`, isFacts(data.machine) ? machineList(data.machine) : "- Machine: unknown"].join(
        "\n",
      ),
      "## Again",
      `This writes ${code(`bench/results/${scenario}${quick ? ".quick" : ""}.json`)}:`,
      block("sh", commandOf(result, words)),
    ),
  };
}

/** Results that are older than this field do not have it. */
function commitOf({ commit, dirty }: Facts): string {
  return typeof commit === "string" ? commitWords({ commit, dirty: dirty === true }) : "unknown";
}

const machineWords: Readonly<Record<string, string>> = {
  cpu: "Processor",
  memoryGiB: "Memory, GiB",
  linux: "Linux",
  node: "Node",
};

function machineList(machine: Readonly<Record<string, unknown>>): string {
  return Object.entries(machine)
    .map(([name, value]) => {
      const text = typeof value === "number" ? readable(value) : String(value);
      return `- ${machineWords[name] ?? capital(fieldWords(name))}: ${text}`;
    })
    .join("\n");
}

/** A picture that nobody here knows how to draw, as an image with its own background. */
function pictureFile(title: string, svg: string): string {
  const source = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
  return `<figure class="picture not-content"><img alt="${title}" src="${source}"></figure>`;
}
