import fs from "node:fs";
import { missingPackages, skipReason } from "@quorumguard/testbed";
import { installPackages, installsPackages } from "../install-packages.ts";
import { inRepository } from "../repository.ts";
import { runCommand } from "../run-command.ts";
import { checkRepository } from "../tidy/check-repository.ts";
import { checkBreaking, checkGenerated, lintProto } from "./proto-steps.ts";
import { runMatrix } from "./runtimes-step.ts";
import { simulate } from "./simulator-step.ts";
import { oneCheck, type Step, type StepResult, skippedChecks, sumResults } from "./step.ts";
import { runVitest } from "./vitest-step.ts";

const simulatorSeeds = 200;

// The deadlines of the steps are for what hangs, several times what a busy machine of two cores takes.

async function prepareSystem(): Promise<StepResult> {
  const missing = missingPackages();
  if (installsPackages()) return oneCheck(await installPackages(missing));
  if (missing.length === 0) return oneCheck(null);
  return skippedChecks(missing.map((name) => skipReason(name)!));
}

async function checkTidy(): Promise<StepResult> {
  const findings = checkRepository();
  return { passed: findings.length === 0 ? 1 : 0, failed: findings.length, skipped: [], notes: [], failures: findings };
}

/** Folders that TypeScript checks on their own: every package, example and room beside them. */
function typescriptProjects(): readonly string[] {
  const folders = ["packages", "examples"].flatMap((parent) =>
    fs.existsSync(inRepository(parent)) ? fs.readdirSync(inRepository(parent)).map((name) => `${parent}/${name}`) : [],
  );
  return [...folders, "bench", "deploy", "docs", "scripts"].filter((folder) =>
    fs.existsSync(inRepository(folder, "tsconfig.json")),
  );
}

/** Each against what the others declare, which their builds hold: against their sources, a package is checked once more for everybody who uses it. */
async function typecheck(): Promise<StepResult> {
  const built = await runCommand(process.execPath, [inRepository("scripts", "bootstrap.mjs")], { timeoutMs: 600_000 });
  if (built.failure !== null) return oneCheck(`nothing is checked, since not all is built: ${built.failure}`);
  const results: StepResult[] = [];
  for (const folder of typescriptProjects()) {
    // Of several checkers each works out what the others know too: a third more work in all.
    const flags = ["-p", folder, "--noEmit", "--pretty", "false", "--singleThreaded", "--customConditions", "null"];
    const { failure, stdout } = await runCommand("tsc", flags, { timeoutMs: 300_000, capture: true });
    process.stdout.write(stdout);
    results.push(oneCheck(failure === null ? null : `${folder}: ${failure}: ${stdout.split("\n")[0]}`));
  }
  return sumResults(results);
}

async function runCheck(command: string, flags: readonly string[], timeoutMs: number): Promise<StepResult> {
  return oneCheck((await runCommand(command, flags, { timeoutMs })).failure);
}

const systemPackages: Step = { name: "system-packages", title: "programs that some tests need", run: prepareSystem };
const typecheckStep: Step = { name: "typecheck", title: "every package", run: typecheck };

const quickChecks: readonly Step[] = [
  { name: "biome", title: "format and lint", run: () => runCheck("biome", ["check"], 300_000) },
  { name: "tidy", title: "layers, purity, sizes, names", run: checkTidy },
  { name: "proto-lint", title: "the wire contract's style", run: lintProto },
  { name: "proto-generated", title: "generated code is up to date", run: checkGenerated },
  { name: "proto-breaking", title: "the wire contract breaks no client of main", run: checkBreaking },
];

const asPublished: readonly Step[] = [
  {
    name: "build",
    title: "every package, as published",
    run: () => runCheck(process.execPath, [inRepository("scripts", "bootstrap.mjs"), "build"], 600_000),
  },
  {
    name: "docs",
    title: "the site, with no broken link or snippet",
    run: () =>
      runCheck(process.execPath, ["--conditions=quorumguard-source", inRepository("docs", "src", "main.ts")], 600_000),
  },
  { name: "runtimes", title: "the SDKs' contract on every runtime", run: () => runMatrix(900_000) },
  { name: "packages", title: "what is published, as its users get it", run: () => runVitest("packages", 900_000) },
];

const simulator: Step = {
  name: "simulator",
  title: `whole clusters on virtual time, ${simulatorSeeds} seeds`,
  run: () => simulate(simulatorSeeds, 900_000),
};

const vitest: Step = {
  name: "vitest",
  title: "unit, property, contract and end-to-end tests",
  run: () => runVitest("!packages", 1_800_000),
};

/** Steps that run one after the other. */
export type Lane = readonly Step[];

/**
 * What `npm test` runs: stages one after the other, and side by side what leaves a core idle for most of its time and shares no
 * file. What is quick and tells most comes first; what has deadlines of its own has the machine for itself.
 */
export const stages: readonly (readonly Lane[])[] = [
  [[systemPackages]],
  [
    [...quickChecks, ...asPublished],
    [typecheckStep, simulator],
  ],
  [[vitest]],
];

/** All of them, in the order in which they are told of. */
export const steps: readonly Step[] = stages.flat(2);
