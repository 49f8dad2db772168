/** `npm run bench -- [--quick] [--only NAME] --json`: peers and us, started here, measured in one run, in turns. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { takeEndSignals } from "@quorumguard/testbed";
import { type MeasuredCommit, readCommit } from "./commit.ts";
import { decisionsScenario } from "./decisions/decisions-scenario.ts";
import { fileSystemOf, isInMemory } from "./file-system.ts";
import { headingOf, type Machine } from "./heading.ts";
import type { Scenario, ScenarioResult } from "./scenario.ts";
import { deadCluster } from "./scenarios/dead-cluster.ts";
import { decisionsPlans } from "./scenarios/decisions.ts";
import { failover } from "./scenarios/failover.ts";
import { idleCores } from "./scenarios/idle-cores.ts";
import { machineAlone } from "./scenarios/machine-alone.ts";
import { millionKeys } from "./scenarios/million-keys.ts";
import { redisUnique } from "./scenarios/redis-unique.ts";
import { scaling } from "./scenarios/scaling.ts";
import { sdkAnswers } from "./scenarios/sdk-answers.ts";
import { whereTimeGoes } from "./scenarios/where-time-goes.ts";
import { AbsentSystem } from "./system.ts";

const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ["redis-unique", redisUnique],
  ...decisionsPlans.map((plan) => [plan.name, decisionsScenario(plan)] as const),
  ["failover", failover],
  ["million-keys", millionKeys],
  ["machine-alone", machineAlone],
  ["sdk-answers", sdkAnswers],
  ["dead-cluster", deadCluster],
  ["scaling", scaling],
  ["where-time-goes", whereTimeGoes],
  ["idle-cores", idleCores],
]);

const usage = `npm run bench -- [--quick] [--only NAME] [--results FOLDER] [--other-node PROGRAM] [--json]
  --quick       fewer and shorter samples
  --only        one scenario: ${[...scenarios.keys()].join(", ")}
  --results     the folder to write to; default: bench/results
  --other-node  for scaling: a Node.js of another version; default: one that this repository or the machine has
  --json        end with one line of JSON on standard output`;

const say = (text: string) => process.stderr.write(`${text}\n`);

const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

function machine(): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    linux: release(),
    node: process.version,
    fileSystem: fileSystemOf(tmpdir()),
  };
}

/** Indented, but arrays of plain values on one line each: a column of 240 latencies is no page of its own. */
function toJson(value: unknown): string {
  const columns = /\[\n\s+([^[\]{}]*?)\n\s+\]/g;
  const json = JSON.stringify(value, null, 2);
  return `${json.replace(columns, (_, inner: string) => `[${inner.replace(/\n\s+/g, " ")}]`)}\n`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      results: { type: "string", default: fileURLToPath(new URL("../results", import.meta.url)) },
      "other-node": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const names = values.only === undefined ? [...scenarios.keys()] : [values.only];
  if (isInMemory(fileSystemOf(tmpdir()))) {
    say(`bench: ${tmpdir()} is kept in memory, so flushes cost nothing there; set TMPDIR to a folder on a disk`);
    return 2;
  }
  let status = 0;
  for (const name of names) {
    const scenario = scenarios.get(name);
    if (scenario === undefined)
      throw new Error(`--only is ${name}, but must be one of ${[...scenarios.keys()].join(", ")}`);
    say(`\n  ${name}`);
    try {
      // Of the time at which its files are read, and not of the time at which it is done.
      const source = await readCommit(repository);
      const result = await scenario({ quick: values.quick, say, otherNode: values["other-node"] ?? null });
      await keep(name, source, result, values);
      if (values.json) process.stdout.write(`${JSON.stringify(result.summary)}\n`);
    } catch (error) {
      // What one scenario lacks is no reason not to run the others.
      say(`bench: ${name}: ${error instanceof Error ? error.message : String(error)}`);
      status = Math.max(status, error instanceof AbsentSystem ? 3 : 1);
    }
  }
  return status;
}

/** Writes what a scenario measured to files of its name. */
async function keep(
  name: string,
  source: MeasuredCommit,
  { line, summary, details, table, picture }: ScenarioResult,
  { quick, results }: { readonly quick: boolean; readonly results: string },
): Promise<void> {
  say(`  ${line}`);
  await mkdir(results, { recursive: true });
  const file = (extension: string) => join(results, `${name}${quick ? ".quick" : ""}.${extension}`);
  await writeFile(file("json"), toJson({ scenario: name, ...source, machine: machine(), ...summary, ...details }));
  if (table !== undefined) {
    await writeFile(file("md"), `${headingOf(name, quick, source, machine())}\n\n${table}\n`);
  }
  if (picture !== undefined) await writeFile(file("svg"), picture);
}

// A run that is stopped ends its servers, and leaves no data behind.
takeEndSignals();
// Each server, folder and client process has one, so that it ends with this one.
process.setMaxListeners(100);
try {
  process.exitCode = await main();
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
