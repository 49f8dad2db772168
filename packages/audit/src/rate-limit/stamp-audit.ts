import type { TimeBreak } from "./caller-audit.ts";
import type { PlacedCall } from "./evidence.ts";
import { fastestStamp, slowestStamp } from "./time-scale.ts";

/** Stretches over which stamps are held against real time; each is compared with its own half, so that no pair of calls within half of it is missed. */
const stretchUs = 20_000_000;
const roundingUs = 2_000;

/**
 * SEMANTICS T3, as a check of clocks and not of linearizability: stamps pass at 0.99 to 1.01 of the callers' time. They
 * are never faster; they may lose `lagUs` within a stretch, for changes of leader. Finds time that froze or jumped.
 */
export function checkStampRate(placed: readonly PlacedCall[], lagUs: number, breaks: readonly TimeBreak[]): string[] {
  const known = placed.filter(({ endUs }) => endUs !== Number.POSITIVE_INFINITY);
  known.sort((one, other) => one.call.startUs - other.call.startUs);
  const violations = new Set<string>();
  for (const offsetUs of [0, stretchUs / 2]) {
    const stretches = new Map<string, PlacedCall[]>();
    for (const one of known) {
      const calm = calmOf(one, breaks);
      if (calm === null) continue;
      const name = `${calm}/${Math.floor((one.call.startUs + offsetUs) / stretchUs)}`;
      const list = stretches.get(name);
      if (list === undefined) stretches.set(name, [one]);
      else list.push(one);
    }
    for (const stretch of stretches.values()) for (const violation of sweep(stretch, lagUs)) violations.add(violation);
  }
  return [...violations];
}

/** How many breaks lie behind a call; null if it touches one. */
function calmOf({ call, endUs }: PlacedCall, breaks: readonly TimeBreak[]): number | null {
  let behind = 0;
  for (const { fromUs, toUs } of breaks) {
    if (fromUs <= endUs && toUs >= call.startUs) return null;
    if (toUs < call.startUs) behind++;
  }
  return behind;
}

/** Holds each call against the one that leaves it least room; both bounds in one pass by stamp. */
function sweep(stretch: readonly PlacedCall[], lagUs: number): string[] {
  const sorted = [...stretch].sort(
    (one, other) => one.stampUs - other.stampUs || one.call.startUs - other.call.startUs,
  );
  // Least of stamp - 1.01 start among earlier stamps bounds the gain; most of stamp - 0.99 end bounds the loss.
  let fast: PlacedCall | null = null;
  let slow: PlacedCall | null = null;
  const fastOf = (one: PlacedCall) => one.stampUs - fastestStamp * one.call.startUs;
  const slowOf = (one: PlacedCall) => one.stampUs - slowestStamp * one.endUs;
  for (const one of sorted) {
    if (fast === null || fastOf(one) < fastOf(fast)) fast = one;
    if (one.stampUs - fastestStamp * one.endUs > fastOf(fast) + roundingUs)
      return [
        `stamps gained ${one.stampUs - fast.stampUs} us from index ${fast.index} to ${one.index}, in at most ${one.endUs - fast.call.startUs} us`,
      ];
  }
  // By falling stamp: whoever starts long after something of an equal or higher stamp ended is in frozen time.
  for (const one of sorted) {
    if (slow === null || slowOf(one) > slowOf(slow)) slow = one;
    if (one.stampUs - slowestStamp * one.call.startUs < slowOf(slow) - lagUs - roundingUs)
      return [
        `stamps gained only ${one.stampUs - slow.stampUs} us from index ${slow.index} to ${one.index}, in at least ${one.call.startUs - slow.endUs} us`,
      ];
  }
  return [];
}
