import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { median } from "../median.ts";
import { type Baselines, distance, judge, type Measured } from "./judge.ts";
import { type GuardReport, type GuardTask, type Measure, nodeFlags } from "./measures.ts";

/** What to measure, and against what. */
export interface GuardOptions {
  readonly paths: readonly string[];
  readonly measures: readonly Measure[];
  /** Takes what is measured as the baselines from now on. */
  readonly accept: boolean;
  /** A JSON file. */
  readonly baselines: URL;
  /** As in {@link GuardTask}. */
  readonly waste: number;
  readonly say: (line: string) => void;
}

interface BaselineFile {
  /** The version of Node that they were measured with. */
  readonly node: string;
  readonly paths: Baselines;
}

/**
 * Measures paths, one after another, and judges them; returns the exit status: 0 if each is about what was accepted. Better is not: what
 * was gained is to be accepted, or the next loss hides in it.
 */
export async function runGuard(options: GuardOptions): Promise<0 | 1> {
  const { paths, measures, accept, baselines, waste, say } = options;
  const known = await readBaselines(baselines);
  if (known.node !== process.version && !accept)
    say(
      `the baselines are of Node ${known.node}, this is ${process.version}: other versions allocate and compile otherwise`,
    );
  const accepted: Record<string, Partial<Record<Measure, number>>> = { ...known.paths };
  const kinds = { within: 0, better: 0, worse: 0, unknown: 0 };
  for (const path of paths) {
    for (const measure of measures) {
      const task = { path, measure, waste };
      const measured = accept ? await measureToAccept(task) : await measureToJudge(task, known.paths);
      const { kind, line } = judge(measured, known.paths);
      if (accept) accepted[path] = { ...accepted[path], [measure]: measured.value };
      kinds[kind] += 1;
      say(line);
    }
  }
  if (accept) {
    await writeFile(baselines, `${JSON.stringify({ node: process.version, paths: accepted }, null, 2)}\n`);
    say("accepted");
    return 0;
  }
  const { better, worse, unknown } = kinds;
  if (better + worse + unknown === 0) return 0;
  say(
    `${worse} worse than accepted, ${better} better, ${unknown} without a baseline; accept what is meant, and commit it`,
  );
  return 1;
}

/** How often a time is taken where one of them would be chance. */
const TIMES = 5;

/** A time is the middle one of several. */
async function measureToAccept(task: GuardTask): Promise<Measured> {
  const measured = await measurePath(task);
  if (task.measure === "bytes") return measured;
  const values = [measured.value];
  while (values.length < TIMES) values.push((await measurePath(task)).value);
  return { ...measured, value: median(values) };
}

/** A time that is out of bounds is taken again, and the nearest to the baseline counts: noise seldom comes so often in a row, what has changed does. */
async function measureToJudge(task: GuardTask, baselines: Baselines): Promise<Measured> {
  let nearest = await measurePath(task);
  const isDoubted = () => judge(nearest, baselines).kind === "worse";
  for (let times = 1; task.measure === "time" && times < TIMES && isDoubted(); times++) {
    const again = await measurePath(task);
    if (distance(again, baselines) < distance(nearest, baselines)) nearest = again;
  }
  return nearest;
}

async function readBaselines(file: URL): Promise<BaselineFile> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as BaselineFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { node: process.version, paths: {} };
    throw error;
  }
}

const subject = new URL("./subject.ts", import.meta.url);

/** Measures one path in a process of its own. @throws {Error} when that process ends without an answer. */
async function measurePath(task: GuardTask): Promise<Measured> {
  const execArgv = ["--conditions=quorumguard-source", ...nodeFlags[task.measure]];
  const child = fork(subject, [JSON.stringify(task)], { execArgv });
  const reports: GuardReport[] = [];
  child.on("message", (report) => void reports.push(report as GuardReport));
  const [status] = (await once(child, "close")) as [number | null];
  const [report] = reports;
  if (status !== 0 || report === undefined)
    throw new Error(`${task.path}: the process that measures its ${task.measure} ended with status ${status}`);
  return { path: task.path, measure: task.measure, ...report };
}
