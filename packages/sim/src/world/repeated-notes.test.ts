import { expect, test } from "vitest";
import { createRepeatedNotes } from "./repeated-notes.ts";
import { createTrace } from "./trace.ts";

test("of a line that comes again and again the first is kept, and a count now and then; another line is another line", () => {
  const trace = createTrace();
  const note = createRepeatedNotes(trace);
  for (let at = 0; at < 120; at++) note(at * 1000, "node-2 refuses node-4");
  note(120_000, "node-3 refuses node-4");
  expect(trace.lines().map((line) => line.trim())).toEqual([
    "0.000 ms  node-2 refuses node-4",
    "9.000 ms  node-2 refuses node-4 (10 times by now)",
    "99.000 ms  node-2 refuses node-4 (100 times by now)",
    "120.000 ms  node-3 refuses node-4",
  ]);
});
