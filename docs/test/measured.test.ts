import { readFile } from "node:fs/promises";
import path from "node:path";
import { standaloneSvg } from "@quorumguard/pictures";
import { expect, it } from "vitest";
import { failover } from "../src/pictures/failover.ts";
import { repositoryRoot } from "../src/site/folders.ts";
import { measured } from "../src/site/measured.ts";
import { readPages } from "../src/site/page-sources.ts";

const number = (text: string) => Number(text.replaceAll(",", ""));

it("the README at the root quotes the numbers that the pages quote", async () => {
  const text = await readFile(path.join(repositoryRoot, "README.md"), "utf8");
  const readme = text.replaceAll(/\s+/g, " ");
  const quoted = [
    `0 over-admissions in ${measured.simulatedClusters} of ${measured.simulatedClusters} simulated clusters`,
    `all ${measured.plantedBugs} bugs`,
    `${measured.mostOfBound} of the bound in ${measured.exactnessCells} cells`,
    `${measured.decisionsAroundKills} decisions`,
    `${measured.failover} without an answer in ${measured.failoverRuns} runs`,
    `up to ${measured.failoverWhenBusy}`,
    `${measured.rates.of1024.ours} decisions a second from 1,024 callers`,
    `against ${measured.rates.of1024.redis} of a Redis`,
    `${measured.rates.of256.ours} against ${measured.rates.of256.redis} from 256`,
  ];
  const missing = quoted.filter((words) => !readme.includes(words));
  expect(missing, "what docs/src/site/measured.ts says and README.md does not").toEqual([]);
});

it("the bytes of a key are those of the result of a million keys, once one is kept", async () => {
  const file = path.join(repositoryRoot, "bench", "results", "million-keys.json");
  const kept = await readFile(file, "utf8").then(JSON.parse, () => null);
  const camel = (name: string) => name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const rounded = Object.entries<number>(kept?.bytesPerKey ?? {}).map(([name, bytes]) => [
    camel(name),
    String(Math.round(bytes)),
  ]);
  if (kept !== null) expect(Object.fromEntries(rounded)).toEqual(measured.bytesPerKey);
  expect(
    Object.values(measured.bytesPerKey)
      .map(number)
      .every((bytes) => bytes > 80 && bytes < 320),
  ).toBe(true);
});

it("the kept picture of a failover is drawn from the kept result", async () => {
  const kept = await readFile(path.join(repositoryRoot, "bench", "results", "failover.svg"), "utf8");
  expect(standaloneSvg(failover())).toBe(kept);
});

it("pages take measured numbers from the table and type none", async () => {
  const { decisionsAroundKills, failover: gap, runtimeCases, rates } = measured;
  const quoted = Object.values(rates).flatMap(({ ours, redis }) => [ours, redis]);
  const numbers = [decisionsAroundKills, gap, `${runtimeCases} of`, ...quoted];
  const pages = (await readPages()).filter(({ name }) => !/^(reference|decisions|benchmarks)\//.test(name));
  expect(pages.length).toBeGreaterThan(5);
  const typed = pages.flatMap(({ name, text }) =>
    numbers.filter((number) => text.includes(number)).map((number) => `${name}: ${number}`),
  );
  expect(typed).toEqual([]);
});

it("the cases of the runtimes multiply to their sum", () => {
  const runtimes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  expect(number(measured.casesPerRuntime) * runtimes.indexOf(measured.runtimes)).toBe(number(measured.runtimeCases));
});
