import {
  type Drawing,
  line,
  outcomeMark,
  type Part,
  type Picture,
  scaleLinear,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { algorithmHeading, levelChart, timeAxis } from "./algorithm-parts.ts";
import { type DrawnDecision, type DrawnLevel, decide, tokenBucket } from "./decide.ts";

const limit = 60;
const windowMs = 60_000;
const burst = 5;
const untilMs = 16_000;
/** Time and number of calls at once. */
const volleys = [
  [1_000, 7],
  [3_500, 1],
  [5_000, 2],
  [7_000, 4],
  [11_000, 3],
  [14_000, 5],
] as const;

/** Decisions and levels of the picture, by the real limiter. */
export function tokenBucketStory() {
  const calls = volleys.flatMap(([atMs, count]) => Array.from({ length: count }, () => ({ atMs })));
  const samples = Array.from({ length: untilMs / 100 + 1 }, (_, i) => i * 100);
  return decide(tokenBucket(limit, windowMs, burst), calls, samples);
}

/** A bucket of five tokens, refilled once a second: its level, and which calls find a token. */
export function tokenBucketPicture(): Picture {
  const { decisions, levels } = tokenBucketStory();
  const told = volleys.map(([atMs]) => {
    const here = decisions.filter((one) => one.atMs === atMs);
    return `at ${atMs / 1_000} s ${here.filter((one) => one.allowed).length} of ${here.length} allowed`;
  });
  return {
    name: "token-bucket",
    title: "Token bucket: 60 a minute, 5 at once",
    description: `The level of a bucket of 5 tokens that gains one token a second, and calls that take one each: ${told.join(", ")}.`,
    wide: draw(decisions, levels, 720, 14),
    narrow: draw(decisions, levels, 328, 12),
  };
}

function draw(
  decisions: readonly DrawnDecision[],
  levels: readonly DrawnLevel[],
  width: number,
  size: number,
): Drawing {
  const left = 12 + textWidth("5", size) + 8;
  const right = width - 14;
  const top = 20 + size * 2;
  const bottom = top + 150;
  const stack = size * 0.95;
  const callsY = bottom + stack * 7.6;
  const x = scaleLinear([0, untilMs], [left, right]);
  const y = scaleLinear([0, burst], [bottom, top]);
  const parts: Part[] = [
    ...algorithmHeading(right, "60 per 1m, burst 5", size),
    ...levelChart(levels, x, y, size),
    text(left, top - 8, "tokens in the bucket", { size, colour: "muted" }),
  ];
  const seen = new Map<number, number>();
  for (const { atMs, allowed } of decisions) {
    const place = seen.get(atMs) ?? 0;
    seen.set(atMs, place + 1);
    if (place === 0) parts.push(line(x(atMs), bottom, x(atMs), callsY, { dash: "2 4", strokeWidth: 1 }));
    parts.push(...outcomeMark(x(atMs), callsY - stack * (place + 0.6), allowed ? "allowed" : "denied", size * 0.38));
  }
  parts.push(...timeAxis(x, callsY, 4_000, size));
  return { width, height: callsY + size + 14, parts };
}
