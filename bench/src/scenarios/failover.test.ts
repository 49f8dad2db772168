import fs from "node:fs";
import { elementsOf, longestGap, parseSvg, type TimelineCall, textOf } from "@quorumguard/pictures";
import { expect, it } from "vitest";
import type { Trial } from "../failover/kill-leader.ts";
import { summarize } from "./failover.ts";

/** A call every 5 ms; those of the gap are answered at its end. */
function trial(gapMs: number, more: Partial<Trial> = {}): Trial {
  const calls: TimelineCall[] = Array.from({ length: 100 }, (_, i) => {
    const startedAtMs = i * 5 - 150;
    const waits = startedAtMs >= 0 && startedAtMs < gapMs;
    return { startedAtMs, latencyMs: waits ? gapMs - startedAtMs : 1, outcome: "allowed" };
  });
  const gap = longestGap(calls);
  const facts = { leaderBefore: 1, leaderAfter: 2, decisions: 1_000, degraded: 0, failed: 0, firstFailure: null };
  return { ...facts, calls, gap, gapMs: gap.gapMs, ...more };
}

const trials = [
  trial(90),
  trial(300, { failed: 2, firstFailure: new Error("late") }),
  trial(60),
  trial(120, { degraded: 1 }),
];
const gaps = trials.map((one) => one.gapMs);

it("sums up all trials and hides no failure", () => {
  const { line, summary, details } = summarize(trials);
  expect(summary).toEqual({
    kills: 4,
    gapMs: { median: Math.round((gaps[0]! + gaps[3]!) / 2), min: gaps[2], max: gaps[1] },
    failed: 2,
    degraded: 1,
    decisions: 4_000,
  });
  expect(line).toContain("2 failed and 1 degraded of 4,002 calls");
  expect(details.trials).toMatchObject(gaps.map((gapMs) => ({ gapMs })));
  expect(JSON.stringify(details.trials)).toContain("Error: late");
});

it("shows the trial next to the median, in columns that give its picture back", () => {
  const { details, picture } = summarize(trials);
  const shown = details.shown as Record<string, readonly (number & TimelineCall["outcome"])[]> & {
    gap: { gapMs: number };
  };
  expect(details.shown).toMatchObject({ trial: 1, gap: { gapMs: gaps[0] } });
  const { startedAtMs, latencyMs, outcomes } = shown;
  const calls = startedAtMs!.map((start, i) => ({
    startedAtMs: start,
    latencyMs: latencyMs![i]!,
    outcome: outcomes![i]!,
  }));
  expect(longestGap(calls).gapMs).toBe(gaps[0]);
  const words = elementsOf(parseSvg(picture!), "text").map(textOf);
  expect(words).toContain(`${gaps[0]} ms without an answer`);
});

it("wrote a picture that tells the gap of its result", () => {
  const read = (name: string) => fs.readFileSync(new URL(`../../results/${name}`, import.meta.url), "utf8");
  const { shown } = JSON.parse(read("failover.json"));
  const words = elementsOf(parseSvg(read("failover.svg")), "text").map(textOf);
  expect(words).toContain(`${shown.gap.gapMs} ms without an answer`);
});

it("needs a trial", () => {
  expect(() => summarize([])).toThrow();
});
