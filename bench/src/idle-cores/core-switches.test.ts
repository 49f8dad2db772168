import { expect, test } from "vitest";
import { CoreSwitches } from "./core-switches.ts";

const switched = (core: number, seconds: number, previous: number, state: string, next: number) =>
  `  some name ${previous} [00${core}] ${seconds.toFixed(6)}:  sched:sched_switch: prev_comm=a name prev_pid=${previous} prev_prio=120 prev_state=${state} ==> next_comm=other next_pid=${next} next_prio=120`;
const woken = (seconds: number, thread: number) =>
  `  waker 7 [000] ${seconds.toFixed(6)}: sched:sched_waking: comm=x pid=${thread} prio=120 target_cpu=000`;

function timesOf(lines: readonly string[], looksAt = [1, 2]) {
  const switches = new CoreSwitches(2, new Set(looksAt));
  for (const line of lines) switches.line(line);
  const { all, idle, idleThoughReady } = switches.times;
  return [all, idle, idleThoughReady].map((value) => Math.round(value * 1_000) / 1_000);
}

/** Both cores are known from 10 s on: one runs thread 1, the other nobody. */
const known = [switched(0, 9, 0, "S", 1), switched(1, 10, 9, "S", 0)];

test("an idle core is nobody's fault while nobody is ready", () => {
  expect(timesOf([...known, switched(0, 12, 1, "S", 0), switched(0, 13, 0, "S", 1)])).toEqual([6, 4, 0]);
});

test("who is woken and not run is ready, until it runs", () => {
  const lines = [...known, woken(11, 2), switched(0, 14, 1, "S", 2), switched(0, 15, 2, "S", 0)];
  expect(timesOf(lines)).toEqual([10, 5, 3]);
});

test("who is displaced is ready as well", () => {
  const lines = [...known, switched(0, 12, 1, "R+", 5), switched(0, 13, 5, "S", 1), switched(0, 14, 1, "S", 0)];
  expect(timesOf(lines)).toEqual([8, 4, 1]);
});

test("nobody else counts, nor who is woken while it runs", () => {
  expect(timesOf([...known, woken(11, 3), woken(11, 1), switched(0, 12, 1, "S", 0)])).toEqual([4, 2, 0]);
});

test("what the record has besides is passed over", () => {
  const other = "  perf 5 [000] 11.5: sched:sched_stat_runtime: comm=perf pid=5 runtime=37496 [ns]";
  expect(timesOf([...known, other, "", switched(0, 12, 1, "S", 0)])).toEqual([4, 2, 0]);
});
