import { expect, it } from "vitest";
import { Run, type Step, turn } from "./crash-run.fixture.ts";
import { type Captured, checkCrashStates, effort, seeded } from "./crash-states.fixture.ts";
import { entriesFrom, openForTest } from "./storage.fixture.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** A node's work whose every moment is looked at. */
interface Workload {
  readonly promise: string;
  readonly steps: readonly Step[];
  /** Where it starts; an empty folder otherwise, whose setting up is part of the work. */
  readonly start?: () => Promise<TestDisk>;
}

const append = (count: number, bytes: number, back = 0): Step => ({ kind: "append", count, bytes, back });
const vote: Step = { kind: "vote" };
const commit: Step = { kind: "commit" };
const wait: Step = { kind: "wait" };
const snapshot: Step = { kind: "snapshot", back: 0 };
const settle: Step = { kind: "settle" };

const workloads: readonly Workload[] = [
  { promise: "setting a folder up, its identity last", steps: [vote, wait] },
  {
    promise: "G3: torn and reordered sectors of appends, one to seven long, alone and joined",
    steps: [append(1, 40), wait, append(2, 300), append(1, 900), wait, append(3, 900), wait, append(1, 0), wait],
  },
  {
    promise: "G4: votes and terms are never back behind entries, in one frame with them or without",
    steps: [vote, wait, append(1, 100), vote, wait, vote, append(1, 600), wait, vote, vote, wait],
  },
  {
    promise: "entries that replace others, in the same flush and a later one",
    steps: [append(4, 200), wait, append(2, 200, 3), wait, append(2, 300), append(1, 10, 1), append(1, 700, 2), wait],
  },
  {
    promise: "a new segment, prepared ahead or not",
    steps: [append(2, 9_000), wait, append(2, 9_000), wait, append(1, 30_000), wait, append(1, 300), wait, vote, wait],
  },
  {
    promise: "G8: names that no flush of the folder has kept yet, of a snapshot and of the segments it makes needless",
    steps: [
      append(3, 9_000),
      wait,
      append(3, 9_000),
      wait,
      append(1, 20_000),
      commit,
      append(1, 100),
      wait,
      snapshot,
      wait,
      append(1, 60),
      wait,
      commit,
      append(1, 60),
      wait,
      snapshot,
      wait,
    ],
  },
  {
    promise: "F2: a received snapshot that the log switches to, ahead of it and in the middle of it",
    steps: [
      append(4, 700),
      wait,
      { kind: "receive", ahead: 3 },
      append(1, 100),
      wait,
      append(3, 100),
      wait,
      { kind: "receive", ahead: -1 },
      wait,
      append(1, 50),
      wait,
    ],
  },
  {
    promise: "F2: the frames before a received snapshot are gone, and the one that switched to it with them",
    steps: [
      append(2, 9_000),
      wait,
      { kind: "receive", ahead: 3 },
      wait,
      // It begins a segment: nothing behind the snapshot is where the log switched to it.
      append(2, 26_000),
      wait,
      { kind: "compact" },
      append(1, 60),
      wait,
    ],
  },
  {
    promise: "N2: a torn frame, and the return of the node that dropped it",
    start: tornDisk,
    steps: [append(1, 100), wait, vote, wait, settle, append(2, 100), wait],
  },
];

/** A node's day by chance: the same for the same seed. */
function byChance(seed: number): Workload {
  const random = seeded(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const steps = Array.from({ length: 14 }, (): Step => {
    const kind = random();
    if (kind < 0.45) return append(pick([1, 1, 2, 4]), pick([0, 80, 430, 900, 6_000, 20_000]), pick([0, 0, 0, 1, 3]));
    if (kind < 0.55) return vote;
    if (kind < 0.65) return commit;
    if (kind < 0.8) return wait;
    return kind < 0.92 ? snapshot : { kind: "receive", ahead: pick([-2, 0, 3]) };
  });
  return { promise: `a day by chance, seed ${seed}`, steps: [...steps, wait] };
}

async function tornDisk(): Promise<TestDisk> {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  await new Promise<void>((resolve) => {
    storage.append(
      { hardState: { term: 1, vote: 3, commit: 0 }, entries: entriesFrom(1, 2, 1), snapshot: null },
      resolve,
    );
  });
  const content = disk.content();
  const [path = ""] = [...content.keys()].filter((name) => name.endsWith(".seg"));
  content.get(path)?.write("torn", 1_024);
  return new TestDisk(content);
}

async function record(workload: Workload): Promise<{ readonly captured: Captured[]; readonly run: Run }> {
  const disk = (await workload.start?.()) ?? new TestDisk();
  const captured: Captured[] = [];
  const torn = workload.start !== undefined;
  let run: Run | null = null;
  let settled = false;
  const capture = (): void => {
    captured.push({
      moment: disk.moment(),
      done: run?.done ?? 0,
      told: run?.told.length ?? 1,
      published: run?.published ?? 0,
      abstains: torn && !settled ? true : null,
      identified: run !== null || torn,
    });
  };
  disk.before = capture;
  const storage = await openForTest(disk, {
    setTimer: (callback) => {
      const timer = setImmediate(callback);
      return () => clearImmediate(timer);
    },
  });
  run = new Run(storage);
  for (const step of workload.steps) {
    // While it is being settled, either answer is right.
    if (step.kind === "settle") settled = true;
    await run.take(step);
  }
  for (let idle = 0; idle < 5; idle += 1) await turn();
  capture();
  expect(run.done).toBe(run.told.length - 1);
  return { captured, run };
}

const days = process.env.QUORUMGUARD_THOROUGH === "1" ? 60 : 4;

it.each([...workloads, ...Array.from({ length: days }, (_, seed) => byChance(seed + 1))])(
  "every crash state is recovered from: $promise",
  { timeout: effort.timeoutMs },
  async (workload) => {
    const { captured, run } = await record(workload);
    const { moments, states, distinct, cutRecoveries, torn } = await checkCrashStates(captured, run, effort);
    process.stdout.write(
      `${workload.promise}: ${states} crash states at ${moments} moments, ${distinct} different, ` +
        `${cutRecoveries} cut recoveries, ${torn} torn\n`,
    );
    expect(states).toBeGreaterThan(moments);
    expect(Math.min(distinct, cutRecoveries)).toBeGreaterThan(0);
    if (workload.promise.startsWith("G3")) expect(torn).toBeGreaterThan(50);
  },
);
