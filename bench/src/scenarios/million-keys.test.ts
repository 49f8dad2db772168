import { expect, it } from "vitest";
import type { PhaseRow } from "../million-keys/measure-algorithm.ts";
import { summarize } from "./million-keys.ts";

const delay = { p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 900 };
const memory = { bytesPerKey: 100, bytesPerKeyLater: 110, residentBytesPerKey: 150 };

function row(phase: string, addedP999Ms: number): PhaseRow {
  const facts = { seconds: 1, entries: 1, decisions: 1, keys: 1, own: delay, delay, monitorP999Ms: 0 };
  return { algorithm: "fixed-window", phase, ...facts, controlP999Ms: 1, controlMaxMs: 2, addedP999Ms };
}

it("the worst phase decides, and a takeover is told apart from it", () => {
  const phases = [row("growth", 3), row("expiry", 19.9), row("takeover", 800)];
  const { summary, line, table, picture } = summarize(1_000, [{ algorithm: "fixed-window", memory, phases }]);
  expect(summary).toMatchObject({
    worstAddedP999Ms: { algorithm: "fixed-window", phase: "expiry", addedMs: 19.9 },
    within: true,
    takeoverMs: 900,
    bytesPerKey: { "fixed-window": 100 },
  });
  expect(line).toContain("within 20 ms; a takeover: 900 ms");
  expect(table).toContain("| `fixed-window` | takeover | 1 | 1 | 0.00 |");
  expect(picture).toContain("expiry 0 | 1.");
  expect(picture).not.toContain("takeover");
});

it("20 ms is too much, and is said to be", () => {
  const { summary, line } = summarize(1_000, [{ algorithm: "fixed-window", memory, phases: [row("growth", 20)] }]);
  expect(summary.within).toBe(false);
  expect(line).toContain("NOT within 20 ms");
});

it("needs a phase", () => {
  expect(() => summarize(1_000, [])).toThrow();
});
