import { expect, it } from "vitest";
import { distance, judge } from "./judge.ts";

const measured = { path: "raft-lead", measure: "bytes", unit: "entries", value: 1_100 } as const;
const of = (bytes: number) => ({ "raft-lead": { bytes } });

it("a tenth more than the baseline is within, and anything beyond it worse", () => {
  expect(judge(measured, of(1_000)).kind).toBe("within");
  expect(judge({ ...measured, value: 1_101 }, of(1_000)).kind).toBe("worse");
  expect(judge({ ...measured, measure: "time", value: 1_501 }, { "raft-lead": { time: 1_000 } }).kind).toBe("worse");
  expect(judge({ ...measured, measure: "time", value: 1_500 }, { "raft-lead": { time: 1_000 } }).kind).toBe("within");
});

it("who made it worse reads what is, what was, how far it may go, and how to accept it", () => {
  const { line } = judge({ ...measured, value: 1_200 }, of(1_000));
  for (const part of [
    "raft-lead",
    "1200 bytes",
    "baseline 1000",
    "and 1100",
    "--only raft-lead --measure bytes --accept",
  ])
    expect(line).toContain(part);
});

it("what became as many times better as it may become worse is to be accepted, so that no loss hides in the gain", () => {
  expect(judge({ ...measured, value: 910 }, of(1_000)).kind).toBe("within");
  const { kind, line } = judge({ ...measured, value: 909 }, of(1_000));
  expect(kind).toBe("better");
  expect(line).toContain("to hold the gain: npm run bench:guard -- --only raft-lead --measure bytes --accept");
});

it("no time is too short: where others work too, the kernel may suffer more than the path", () => {
  expect(judge({ ...measured, measure: "time", value: 1 }, { "raft-lead": { time: 1_000 } }).kind).toBe("within");
});

it("what has no baseline is not passed over", () => {
  expect(judge(measured, {}).kind).toBe("unknown");
  expect(judge(measured, { "raft-lead": { time: 1_100 } }).kind).toBe("unknown");
});

it("half as much is as far from the baseline as twice as much", () => {
  expect(distance({ ...measured, value: 500 }, of(1_000))).toBe(2);
  expect(distance({ ...measured, value: 2_000 }, of(1_000))).toBe(2);
  expect(distance(measured, {})).toBe(1);
});
