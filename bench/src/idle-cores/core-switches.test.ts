import { expect, test } from "vitest";
import { CoreSwitches } from "./core-switches.ts";

const switched = (core: number, seconds: number, previous: number, state: string, next: number) =>
  `  some name ${previous} [00${core}] ${seconds.toFixed(6)}:  sched:sched_switch: prev_comm=a name prev_pid=${previous} prev_prio=120 prev_state=${state} ==> next_comm=other next_pid=${next} next_prio=120`;
const woken = (seconds: number, thread: number) =>
  `  waker 7 [000] ${seconds.toFixed(6)}: sched:sched_waking: comm=x pid=${thread} prio=120 target_cpu=000`;
const ran = (seconds: number, thread: number, forSeconds: number) =>
  `  x ${thread} [001] ${seconds.toFixed(6)}: sched:sched_stat_runtime: comm=x pid=${thread} runtime=${forSeconds * 1e9} [ns]`;

function timesOf(lines: readonly string[], cores = 2) {
  const switches = new CoreSwitches(cores, new Set([1, 2]));
  for (const line of lines) switches.line(line);
  const { all, idle, idleThoughWaiting, idleThoughWoken } = switches.times();
  return [all, idle, idleThoughWaiting, idleThoughWoken].map((value) => Math.round(value * 1_000) / 1_000);
}

/** Both cores are known from 10 s on: one runs thread 1, the other nobody. */
const known = [switched(0, 9, 0, "S", 1), switched(1, 10, 9, "S", 0)];

test("an idle core is nobody's fault while nobody is ready", () => {
  expect(timesOf([...known, switched(0, 12, 1, "S", 0), switched(0, 13, 0, "S", 1)])).toEqual([6, 4, 0, 0]);
});

test("who is woken waits for the other core until it runs there", () => {
  const lines = [...known, woken(11, 2), switched(0, 14, 1, "S", 2), switched(0, 15, 2, "S", 0)];
  expect(timesOf(lines)).toEqual([10, 5, 3, 0]);
});

test("who is woken onto the idle core is on its way until it runs there", () => {
  const lines = [...known, woken(11, 2), switched(1, 14, 0, "R", 2), switched(0, 15, 1, "S", 0)];
  expect(timesOf(lines)).toEqual([10, 4, 0, 3]);
});

test("who is displaced is ready as well", () => {
  const lines = [...known, switched(0, 12, 1, "R+", 5), switched(0, 13, 5, "S", 1), switched(0, 14, 1, "S", 0)];
  expect(timesOf(lines)).toEqual([8, 4, 1, 0]);
});

test("of who is ready and never runs, nobody knows where it would have", () => {
  expect(timesOf([...known, woken(11, 2), switched(0, 12, 1, "S", 0)])).toEqual([4, 2, 0, 0]);
});

test("a core that the record has nothing of is idle all the time, and could have run who waits for another one", () => {
  const lines = [...known, switched(1, 11, 0, "S", 5), woken(12, 2), switched(1, 14, 5, "S", 2)];
  expect(timesOf([...lines, switched(0, 15, 1, "S", 0)], 3)).toEqual([15, 6, 2, 0]);
});

test("of a core that ran somebody all the time it is not known whom", () => {
  const busy = "  x 9 [002] 11.000000: sched:sched_stat_runtime: comm=x pid=9 runtime=1000 [ns]";
  expect(timesOf([...known, busy, switched(0, 12, 1, "S", 0)], 3)).toEqual([0, 0, 0, 0]);
});

test("nobody else counts, nor who is woken while it runs", () => {
  expect(timesOf([...known, woken(11, 3), woken(11, 1), switched(0, 12, 1, "S", 0)])).toEqual([4, 2, 0, 0]);
});

test("how a core stopped being idle follows from how long the thread ran, where the record lacks it", () => {
  const lines = [...known, woken(11, 2), ran(13, 2, 1), ran(14, 2, 1), switched(1, 14, 2, "S", 0)];
  expect(timesOf([...lines, switched(0, 15, 1, "S", 0)])).toEqual([10, 3, 0, 1]);
  const again = [woken(16, 2), ran(17, 2, 0.5), switched(1, 17, 2, "S", 0)];
  expect(timesOf([...lines, ...again])).toEqual([14, 4.5, 0, 1.5]);
});

test("what the record has besides is passed over", () => {
  const other = "  perf 5 [000] 11.5: sched:sched_migrate_task: comm=perf pid=5 prio=120 orig_cpu=0 dest_cpu=1";
  expect(timesOf([...known, other, "", switched(0, 12, 1, "S", 0)])).toEqual([4, 2, 0, 0]);
});
