import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isCrash } from "./crash.ts";
import { type Attempt, nothing } from "./finding.ts";
import { runProgram } from "./run-program.ts";

/** As Vitest's JSON reporter has it; of all that, what is needed here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** What became of the test files. */
export interface TestRun {
  /** The tests that failed in their own words, `file: name`, and the first of these words. */
  readonly failed: readonly { readonly test: string; readonly failure: string }[];
  /** Why the run says nothing about some files: they did not load, crashed, or hold no test. Empty: it speaks for all. */
  readonly unsound: readonly string[];
}

/** Runs test files (relative to `packages/`) in a copy. With `bail`, the first failure ends the run. */
export async function runTests(
  folder: string,
  files: readonly string[],
  options: { readonly bail: boolean; readonly workers: number; readonly timeoutMs: number },
): Promise<TestRun> {
  const reportFile = join(folder, "tests.json");
  rmSync(reportFile, { force: true });
  const paths = files.map((file) => `packages/${file}`);
  const flags = ["--reporter=json", `--outputFile=${reportFile}`, `--maxWorkers=${options.workers}`, "--no-color"];
  const vitest = join(folder, "node_modules", "vitest", "vitest.mjs");
  const bail = options.bail ? ["--bail=1"] : [];
  const end = await runProgram([vitest, "run", ...flags, ...bail, ...paths], folder, options.timeoutMs);
  if (end.status === null) return { failed: [], unsound: [`not done after ${options.timeoutMs} ms`] };
  const report = readReport(reportFile);
  if (report === null) return { failed: [], unsound: [`no report: ${end.errors.slice(-500)}`] };
  const failed: { test: string; failure: string }[] = [];
  const unsound: string[] = [];
  const seen = new Set<string>();
  for (const file of report.testResults) {
    const name = file.name.slice(file.name.indexOf("/packages/") + "/packages/".length);
    seen.add(name);
    if (file.assertionResults.length === 0) unsound.push(`${name}: ${file.message.split("\n")[0] || "no test in it"}`);
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      if (status !== "failed") continue;
      const failure = (failureMessages[0] ?? "").split("\n    at ")[0]!;
      if (isCrash(failure) || failure.includes("Test timed out")) unsound.push(`${name}: ${fullName}: ${failure}`);
      else failed.push({ test: `${name}: ${fullName}`, failure: failure.split("\n")[0]! });
    }
  }
  // With `bail` the files after the failing one are not run.
  if (!options.bail) for (const file of files) if (!seen.has(file)) unsound.push(`${file}: it was not run`);
  return { failed, unsound };
}

/** One of these test files must fail in the mutated copy. */
export async function findByTests(folder: string, files: readonly string[], timeoutMs: number): Promise<Attempt> {
  const { failed, unsound } = await runTests(folder, files, { bail: true, workers: 1, timeoutMs });
  const first = failed[0];
  if (first !== undefined) return { finding: { by: "tests", test: first.test, violation: first.failure } };
  return nothing(unsound[0] ?? `the tests of ${files.join(", ")} pass`);
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return null;
  }
}
