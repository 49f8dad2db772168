import { expect, it } from "vitest";
import { judge } from "./judge.ts";

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
  for (const part of ["raft-lead", "1200 bytes", "baseline 1000", "bound 1100", "--only raft-lead --accept"])
    expect(line).toContain(part);
});

it("what has become better is worth keeping, and what has no baseline is not passed over", () => {
  expect(judge({ ...measured, value: 899 }, of(1_000))).toMatchObject({ kind: "better" });
  expect(judge(measured, {}).kind).toBe("unknown");
  expect(judge(measured, { "raft-lead": { time: 1_100 } }).kind).toBe("unknown");
});
