import {
  Algorithm,
  createEntryWriter,
  createLimiter,
  Outcome,
  type Rule,
  singleCall,
  Verb,
} from "@quorumguard/limiter";
import { type Drawing, outcomeMark, type Picture, rect, scaleLinear, text, textWidth } from "@quorumguard/pictures";
import { algorithmHeading, timeAxis } from "./algorithm-parts.ts";

const limit = 2;
const ttlMs = 6_000;
const untilMs = 17_000;
/** When each slot is asked for, and when it is given back; null: never. */
const wishes = [
  { atMs: 1_000, backMs: 5_000 },
  { atMs: 2_000, backMs: 7_500 },
  { atMs: 3_500, backMs: 6_000 },
  { atMs: 6_000, backMs: null },
  { atMs: 8_500, backMs: 12_500 },
  { atMs: 10_000, backMs: 11_000 },
  { atMs: 12_200, backMs: 16_000 },
] as const;

/** What became of a wish: denied, or held in a lane up to an end. */
export interface DrawnSlot {
  readonly atMs: number;
  readonly allowed: boolean;
  readonly endMs: number;
  readonly givenBack: boolean;
  readonly lane: number;
}

/** A million seconds: nothing is before it. */
const startUs = 1_000_000_000_000;

/** Slots by the real limiter, and how many it says are taken at the given times. */
export function slotsStory(samplesMs: readonly number[] = []) {
  const limiter = createLimiter();
  const writer = createEntryWriter();
  const key = new TextEncoder().encode("key");
  const rule: Rule = { algorithm: Algorithm.concurrency, limit, windowUs: ttlMs * 1_000, burst: 0, policy: "" };
  const slots: DrawnSlot[] = [];
  const takenAt = new Map<number, number>();
  let index = 0;
  const ask = (atMs: number, verb: number, handle = 0) => {
    writer.begin({ takeover: false });
    const batch = {
      ...singleCall(rule, key),
      verbs: Uint8Array.of(verb),
      handles: handle === 0 ? null : Float64Array.of(handle),
    };
    writer.calls({ kind: "anonymous", namespace: "pictures" }, batch, 0, 1);
    index += 1;
    const { results } = limiter.apply(index, writer.finish(startUs + atMs * 1_000));
    return { allowed: results.outcomes[0] === Outcome.allowed, handle: results.handles[0]! };
  };
  type Step = readonly [atMs: number, act: () => void];
  const steps: Step[] = samplesMs.map((atMs) => [
    atMs,
    () => {
      const { remaining } = limiter.peek("pictures", rule, key, 1, startUs + atMs * 1_000);
      takenAt.set(atMs, limit - remaining[0]!);
    },
  ]);
  for (const { atMs, backMs } of wishes) steps.push([atMs, () => wish(atMs, backMs)]);
  const wish = (atMs: number, backMs: number | null) => {
    const { allowed, handle } = ask(atMs, Verb.reserve);
    const lane = [0, 1].find((one) => !slots.some((slot) => slot.lane === one && slot.endMs > atMs)) ?? -1;
    const endMs = allowed ? (backMs ?? atMs + ttlMs) : atMs;
    slots.push({ atMs, allowed, endMs, givenBack: backMs !== null, lane: allowed ? lane : -1 });
    if (!allowed || backMs === null) return;
    const after = steps.findIndex(([at]) => at > backMs);
    steps.splice(after < 0 ? steps.length : after, 0, [backMs, () => ask(backMs, Verb.commit, handle)]);
  };
  steps.sort(([one], [other]) => one - other);
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) step[1]();
  return { slots, takenAt };
}

/** Two slots: who holds them, who is turned away, and one that nobody gives back. */
export function slotsPicture(): Picture {
  const { slots } = slotsStory();
  const told = slots.map(({ atMs, allowed, endMs, givenBack }) =>
    allowed
      ? `one taken at ${atMs / 1_000} s is ${givenBack ? "given back" : "free by itself"} at ${endMs / 1_000} s`
      : `one asked for at ${atMs / 1_000} s is denied`,
  );
  return {
    name: "concurrency",
    title: "Slots: 2 at once, each for at most 6 seconds",
    description: `Two slots: ${told.join("; ")}.`,
    wide: draw(slots, 720, 14),
    narrow: draw(slots, 328, 12),
  };
}

function draw(slots: readonly DrawnSlot[], width: number, size: number): Drawing {
  const laneHeight = size * 1.9;
  const left = 12;
  const right = width - 14;
  const x = scaleLinear([0, untilMs], [left, right]);
  const laneY = (lane: number) => 36 + lane * (laneHeight + 6);
  const callsY = laneY(limit) + size * 0.6;
  const axisY = callsY + size * 1.1;
  const parts = algorithmHeading(right, "2 slots, 6 s at most", size);
  for (let lane = 0; lane < limit; lane += 1) {
    parts.push(rect(left, laneY(lane), right - left, laneHeight, { fill: "surface" }, 4));
  }
  for (const { atMs, endMs, allowed, givenBack, lane } of slots) {
    if (!allowed) continue;
    const colour = givenBack ? "allowed" : "muted";
    const dash = givenBack ? undefined : "4 3";
    const paint = { fill: colour, fillOpacity: 0.14, stroke: colour, strokeWidth: 1, dash } as const;
    parts.push(rect(x(atMs), laneY(lane), x(endMs) - x(atMs), laneHeight, paint, 4));
    const [long, short] = givenBack ? ["given back", "back"] : ["never given back", "never back"];
    const words = textWidth(long, size) + 10 < x(endMs) - x(atMs) ? long : short;
    parts.push(
      text((x(atMs) + x(endMs)) / 2, laneY(lane) + laneHeight / 2 + size * 0.35, words, { size, anchor: "middle" }),
    );
  }
  for (const { atMs, allowed } of slots) {
    parts.push(...outcomeMark(x(atMs), callsY, allowed ? "allowed" : "denied", size * 0.38));
  }
  parts.push(...timeAxis(x, axisY, 4_000, size));
  return { width, height: axisY + size + 14, parts };
}
