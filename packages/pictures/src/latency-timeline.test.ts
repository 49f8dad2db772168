import { describe, expect, it } from "vitest";
import { callsAroundKill, longestGap, type TimelineCall } from "./call-timeline.ts";
import type { Drawing } from "./drawing.ts";
import { findLayoutProblems } from "./find-layout-problems.ts";
import { latencyTimeline } from "./latency-timeline.ts";
import type { Outcome } from "./outcome-marks.ts";
import { standaloneSvg } from "./render.ts";

function call(startedAtMs: number, latencyMs: number, outcome: Outcome = "allowed"): TimelineCall {
  return { startedAtMs, latencyMs, outcome };
}

/** One call every 5 ms; those that start in the gap are answered when it ends. */
function callsAround(gapMs: number, from = -150, to = Math.max(350, 3 * gapMs)): TimelineCall[] {
  return Array.from({ length: (to - from) / 5 }, (_, i) => {
    const startedAt = from + i * 5;
    return call(startedAt, startedAt >= 0 && startedAt < gapMs ? gapMs - startedAt : 1);
  });
}

const words = ({ parts }: Drawing) => parts.flatMap((part) => (part.kind === "text" ? [part.content] : []));

describe("the longest gap", () => {
  it("lies between two answers, in whichever order the calls were made", () => {
    expect(longestGap([call(5, 100), call(0, 1), call(10, 2)])).toEqual({ fromMs: 12, toMs: 105, gapMs: 93 });
  });

  it("is not ended by a degraded decision or a failure", () => {
    const calls = [call(0, 1), call(10, 1, "degraded"), call(20, 1, "failed"), call(30, 1, "denied")];
    expect(longestGap(calls)).toEqual({ fromMs: 1, toMs: 31, gapMs: 30 });
  });

  it("ends after the kill, however long nobody answered before", () => {
    const calls = [call(-900, 1), call(-100, 1), call(-20, 1), call(30, 1), call(40, 1)];
    expect(longestGap(calls)).toEqual({ fromMs: -19, toMs: 31, gapMs: 50 });
  });

  it("needs an answer before and after", () => {
    expect(() => longestGap([call(-5, 1), call(-3, 1), call(5, 1, "failed")])).toThrow("of 2 answers none follows");
  });
});

describe("the calls around a kill", () => {
  it("are some before and after a short gap", () => {
    const calls = callsAround(40, -1_000, 2_000);
    const drawn = callsAroundKill(calls);
    expect([drawn[0]!.startedAtMs, drawn.at(-1)!.startedAtMs]).toEqual([-150, 350]);
    expect(longestGap(drawn)).toEqual(longestGap(calls));
  });

  it("have the gap of all calls, also where the machine stood still around the kill", () => {
    // Nothing is answered from -200 to 60 but one call that was due long before.
    const stalled = callsAround(0, -1_000, 1_000).map((one) => {
      const waits = one.startedAtMs >= -200 && one.startedAtMs < 60;
      return waits ? call(one.startedAtMs, 60 - one.startedAtMs) : one;
    });
    const calls = [...stalled, call(-700, 690)];
    const drawn = callsAroundKill(calls);
    expect(longestGap(calls)).toEqual({ fromMs: -10, toMs: 60, gapMs: 70 });
    expect(longestGap(drawn)).toEqual(longestGap(calls));
  });
});

describe("the picture", () => {
  for (const gapMs of [5, 35, 62, 150, 408, 1_200, 2_900]) {
    it(`tells a gap of ${gapMs} ms in both layouts, and no words collide`, () => {
      const calls = callsAround(gapMs);
      const gap = longestGap(calls);
      const picture = latencyTimeline({
        title: "Every call around a killed leader",
        calls,
        note: "one call every 5 ms",
      });
      for (const drawing of [picture.wide, picture.narrow!]) {
        expect(findLayoutProblems(drawing)).toEqual([]);
        expect(words(drawing)).toContain(`${gap.gapMs} ms without an answer`);
        expect(words(drawing)).toContain("kill -9");
      }
      expect(picture.description).toContain(`For ${gap.gapMs} ms no call was answered`);
      expect(standaloneSvg(picture)).toContain(`${gap.gapMs} ms without an answer`);
    });
  }

  it("counts failures and degraded decisions even when there are none", () => {
    expect(words(latencyTimeline({ title: "t", calls: callsAround(40) }).wide)).toEqual(
      expect.arrayContaining(["100 allowed", "0 degraded", "0 failed"]),
    );
  });

  it("draws each outcome in a colour and a shape of its own", () => {
    const calls = [...callsAround(40), call(20, 5, "denied"), call(50, 5, "degraded"), call(60, 300, "failed")];
    const { wide, narrow } = latencyTimeline({ title: "t", calls });
    for (const drawing of [wide, narrow!]) {
      expect(words(drawing)).toEqual(expect.arrayContaining(["100 allowed", "1 denied", "1 degraded", "1 failed"]));
      expect(findLayoutProblems(drawing)).toEqual([]);
      const shapes = drawing.parts.flatMap((part) => (part.kind === "path" ? [part] : []));
      expect(shapes.some((shape) => shape.stroke === "failed" && /^M\S+ \S+L\S+ \S+M/.test(shape.data))).toBe(true);
      expect(shapes.some((shape) => shape.fill === "degraded" && shape.data.endsWith("Z"))).toBe(true);
      expect(shapes.some((shape) => shape.stroke === "denied" && shape.data.endsWith("h0"))).toBe(true);
    }
  });
});
