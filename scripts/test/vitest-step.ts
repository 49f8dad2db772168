import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { missingPackages, skipReason } from "@quorumguard/testbed";
import { inRepository, repositoryRoot } from "../repository.ts";
import { runCommand } from "../run-command.ts";
import { oneCheck, type StepResult } from "./step.ts";

/** The part of Vitest's JSON report that is read here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** Counts a report's tests. A file that failed without a failing test (it did not load) counts as one failure. */
export function countTests(report: VitestReport, root: string = repositoryRoot): StepResult {
  let passed = 0;
  const failures: string[] = [];
  const skipped: string[] = [];
  for (const file of report.testResults) {
    const name = path.relative(root, file.name);
    const failuresBefore = failures.length;
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed")
        failures.push([`${name}: ${test.fullName}`, ...firstLine(test.failureMessages?.[0])].join(": "));
      else skipped.push(`${name}: ${test.fullName}`);
    }
    if (file.status === "failed" && failures.length === failuresBefore) {
      failures.push(`${name}: ${file.message.split("\n")[0] || "did not load"}`);
    }
  }
  return { passed, failed: failures.length, skipped, notes: [], failures };
}

/** The rest is a stack, which is in the step's output. */
function firstLine(message: string | undefined): readonly string[] {
  const line = message?.split("\n").find((one) => one.trim() !== "");
  return line === undefined ? [] : [line];
}

/** Tests of one of vitest.config.ts's projects, or of all but that one: `!packages`. */
export async function runVitest(project: string, timeoutMs: number): Promise<StepResult> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-vitest-"));
  try {
    const file = path.join(folder, "report.json");
    const vitest = inRepository("node_modules", "vitest", "vitest.mjs");
    const flags = [
      vitest,
      "run",
      `--project=${project}`,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ];
    const { failure } = await runCommand(process.execPath, flags, { timeoutMs });
    if (!fs.existsSync(file)) return oneCheck(failure ?? "no report was written");
    const counted = countTests(JSON.parse(fs.readFileSync(file, "utf8")) as VitestReport);
    const reasons = missingPackages().map((name) => skipReason(name)!);
    const skipped = counted.skipped.length === 0 ? [] : [...counted.skipped, ...reasons];
    // An error outside every test (a rejection that nobody handled) fails the run but no test.
    if (failure === null || counted.failed > 0) return { ...counted, skipped };
    return { ...counted, skipped, failed: 1, failures: [`${failure} although no test failed; its output says why`] };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
