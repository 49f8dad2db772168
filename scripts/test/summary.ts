import { stripVTControlCharacters } from "node:util";
import type { Step, StepResult } from "./step.ts";

/** A step's result and how long it took. */
export interface StepRun {
  readonly step: Step;
  readonly result: StepResult;
  /** Such as `12.3 s`. */
  readonly time: string;
}

/** Longer lines are folded by who shows them. */
const longestLine = 900;

/** A text on one line: its lines without their colours, those that say something, one after the other. */
export function onOneLine(text: string): string {
  const lines = stripVTControlCharacters(text).split("\n");
  const line = lines
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .join(" | ");
  return line.length <= longestLine ? line : `${line.slice(0, longestLine)} …`;
}

/** One line of the table. */
export function describeRun({ step, result, time }: StepRun): string {
  const mark = result.failed > 0 ? "failed" : result.passed > 0 ? "passed" : "skipped";
  const skipped = result.skipped.length > 0 ? `, ${result.skipped.length} skipped` : "";
  return `${mark.padEnd(8)}${step.name.padEnd(18)}${time.padStart(9)}   ${result.passed} passed, ${result.failed} failed${skipped}`;
}

/** One line for each failure of a run; a step that failed and does not say of what is a line too. */
export function describeFailures({ step, result }: StepRun): readonly string[] {
  const said = result.failures.map((failure) => `failed: ${step.name}: ${onOneLine(failure)}`);
  const unsaid = result.failed - said.length;
  return unsaid > 0 ? [...said, `failed: ${step.name}: ${unsaid} more; its own output says which`] : said;
}
