/** `npm test`: every check, each with its time. Flags: `--only a,b`, `--list`, `--help`. */
import { parseArgs } from "node:util";
import { installsPackages } from "./install-packages.ts";
import { inRepository } from "./repository.ts";
import { killCommandsAtTheEnd } from "./run-command.ts";
import { hasPassed, oneCheck, type Step, type StepResult, sumResults } from "./test/step.ts";
import { type Lane, stages, steps } from "./test/steps.ts";
import { describeFailures, describeRun, type StepRun } from "./test/summary.ts";

const help = `npm test -- [--only NAME,NAME] [--list]
  --only  run these steps only
  --list  name the steps and stop
With CI=true on Debian, missing system packages are installed first, and a skipped check is a failure.`;

/** The stages with those of their steps that the flags ask for. */
function chooseSteps(only: string | undefined): readonly (readonly Lane[])[] {
  if (only === undefined) return stages;
  const names = only.split(",");
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `--only: no step is named ${unknown.join(", ")}; steps: ${steps.map((step) => step.name).join(", ")}`,
    );
  }
  return stages.map((lanes) => lanes.map((lane) => lane.filter((step) => names.includes(step.name))));
}

function seconds(fromMs: number): string {
  return `${((performance.now() - fromMs) / 1_000).toFixed(1)} s`;
}

async function runStep(step: Step): Promise<StepResult> {
  try {
    return await step.run();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return oneCheck(`the step itself broke: ${message}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) return console.log(help);
  if (values.list === true) return console.log(steps.map((step) => `${step.name.padEnd(18)}${step.title}`).join("\n"));
  // Hundreds of processes load the same files: each compiles only what none before it has.
  process.env.NODE_COMPILE_CACHE ??= inRepository("node_modules", ".cache", "compiled");
  const runs = new Map<Step, StepRun>();
  const startedMs = performance.now();
  const run = async (lane: Lane) => {
    for (const step of lane) {
      console.log(`\n=== ${step.name}: ${step.title}`);
      const stepStartedMs = performance.now();
      const result = await runStep(step);
      const stepRun: StepRun = { step, result, time: seconds(stepStartedMs) };
      runs.set(step, stepRun);
      for (const failure of describeFailures(stepRun)) console.log(`  ${failure}`);
      for (const skipped of result.skipped) console.log(`  skipped: ${skipped}`);
      for (const note of result.notes) console.log(`  not checked: ${note}`);
      console.log(describeRun(stepRun));
    }
  };
  for (const lanes of chooseSteps(values.only)) await Promise.all(lanes.map(run));
  const ordered = steps.flatMap((step) => runs.get(step) ?? []);
  const total = sumResults(ordered.map(({ result }) => result));
  const skipsFail = installsPackages();
  console.log(`\n${ordered.map(describeRun).join("\n")}\n`);
  for (const skipped of new Set(total.skipped))
    console.log(`skipped${skipsFail ? " (a failure here)" : ""}: ${skipped}`);
  for (const note of total.notes) console.log(`not checked: ${note}`);
  // Where only the end of a log is kept, it says what failed.
  for (const failure of ordered.flatMap(describeFailures)) console.log(failure);
  console.log(`in ${seconds(startedMs)}`);
  const failed = total.failed + (skipsFail ? total.skipped.length : 0);
  console.log(`${total.passed} passed, ${failed} failed`);
  process.exitCode = hasPassed(total, skipsFail) ? 0 : 1;
}

killCommandsAtTheEnd();
try {
  await main();
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
