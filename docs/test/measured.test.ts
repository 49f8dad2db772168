import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "../src/site/folders.ts";
import { measured } from "../src/site/measured.ts";

const number = (text: string) => Number(text.replaceAll(",", ""));

it("the README at the root quotes the numbers that the pages quote", async () => {
  const text = await readFile(path.join(repositoryRoot, "README.md"), "utf8");
  const readme = text.replaceAll(/\s+/g, " ");
  const quoted = [
    `0 over-admissions in ${measured.simulatedClusters} of ${measured.simulatedClusters} simulated clusters`,
    `all ${measured.plantedBugs} bugs`,
    `${measured.decisionsAroundKills} decisions`,
    `${measured.failover} without an answer in ${measured.failoverRuns} runs`,
    `${measured.decisionsPerSecond} decisions a second`,
    `against ${measured.redisPerSecond} of a Redis`,
    `${measured.otherRatios} times in other runs`,
  ];
  const missing = quoted.filter((words) => !readme.includes(words));
  expect(missing, "what docs/src/site/measured.ts says and README.md does not").toEqual([]);
});

it("the quoted rates are those of one result that is kept in bench/results", async () => {
  const folder = path.join(repositoryRoot, "bench", "results");
  const names = (await readdir(folder)).filter((name) => /^redis-unique.*\.json$/.test(name));
  const kept = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), "utf8"))),
  );
  const rates = kept.map(({ ours, redis }) => [ours, redis]);
  expect(rates).toContainEqual([number(measured.decisionsPerSecond), number(measured.redisPerSecond)]);
  const ratio = number(measured.decisionsPerSecond) / number(measured.redisPerSecond);
  expect(measured.ratio, "the ratio of the quoted rates").toBe(ratio.toFixed(2));
});

it("the cases of the runtimes multiply to their sum", () => {
  const runtimes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  expect(number(measured.casesPerRuntime) * runtimes.indexOf(measured.runtimes)).toBe(number(measured.runtimeCases));
});
