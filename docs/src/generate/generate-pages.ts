import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { commands, program } from "../../../packages/cluster/src/cli/commands.ts";
import { apiPages, typeIndex } from "./api/api-pages.ts";
import { readApi } from "./api/read-api.ts";
import { benchmarkPages } from "./benchmarks/benchmark-pages.ts";
import { chooseResults } from "./benchmarks/result-file.ts";
import { commandLinePage } from "./command-line.ts";
import { decisionPages } from "./decisions.ts";
import { readErrorFacts } from "./error-facts.ts";
import { errorsPage } from "./errors.ts";
import { knownBugsPage, readBugTests, type TestFile } from "./known-bugs.ts";
import { metricsPage, readMetrics } from "./metrics.ts";
import { readOptionGroups } from "./option-groups.ts";
import { optionsPage } from "./options.ts";
import { type Page, writePages } from "./page.ts";
import { repositoryRoot } from "./repository.ts";
import { readWireContract } from "./wire/contract.ts";
import { readWireFacts } from "./wire/wire-facts.ts";
import { wirePage } from "./wire/wire-page.ts";

const contentFolder = fileURLToPath(new URL("../content/docs", import.meta.url));

/** Writes every generated page below the content folder and removes those that are no more; takes a few seconds. */
export async function generatePages(): Promise<void> {
  await writePages(contentFolder, await collectPages());
}

/** All pages, in no particular order: where each belongs, it says itself. */
export async function collectPages(): Promise<readonly Page[]> {
  const [api, wire, decisions, results, pictures, tests, notInCore] = await Promise.all([
    readApi(),
    readWireContract(),
    readFiles("docs/decisions", ".md"),
    readFiles("bench/results", ".json"),
    readFiles("bench/results", ".svg"),
    readTestFiles(),
    readFile(`${repositoryRoot}/packages/raft/src/checklist/not-here.md`, "utf8"),
  ]);
  const apiReference = apiPages(api);
  return [
    ...apiReference,
    commandLinePage({ ...program, commands }),
    optionsPage(readOptionGroups(api), typeIndex(apiReference)),
    errorsPage(readErrorFacts(api, wire)),
    wirePage(wire, readWireFacts()),
    metricsPage(readMetrics()),
    knownBugsPage(readBugTests(tests), notInCore),
    ...decisionPages(decisions),
    ...benchmarkPages(chooseResults(results, new Map(pictures.map(({ name, text }) => [name, text])))),
  ];
}

/** The tests of the packages that consensus and storage are in. */
export async function readTestFiles(): Promise<readonly TestFile[]> {
  const folders = ["packages/raft/src", "packages/cluster/src"];
  const paths = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(`${repositoryRoot}/${folder}`, { recursive: true });
      return names.filter((name) => name.endsWith(".test.ts")).map((name) => `${folder}/${name}`);
    }),
  );
  return Promise.all(
    paths
      .flat()
      .sort()
      .map(async (path) => ({ path, text: await readFile(`${repositoryRoot}/${path}`, "utf8") })),
  );
}

async function readFiles(folder: string, extension: string) {
  const names = (await readdir(`${repositoryRoot}/${folder}`)).filter((name) => name.endsWith(extension)).sort();
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(`${repositoryRoot}/${folder}/${name}`, "utf8") })),
  );
}
