import type { CallOperation } from "./call-operation.ts";
import { describeCall, type LimitState } from "./timed-model.ts";
import type { createReplayModel, Replay, ReplayPoint } from "./witness.ts";

/**
 * Denials without an entry, where the whole order of a part is known (DESIGN §1): each is right if the model denied at
 * some moment between its call, less the staleness allowed, and its return. Which states held in that span follows from
 * what had surely ended before it and from what was surely not yet asked when it ended.
 */
export function checkDenialsByReplay(
  denials: readonly CallOperation[],
  { points }: Replay,
  model: ReturnType<typeof createReplayModel>,
  stalenessUs: number,
): string[] {
  const latestStart = new Float64Array(points.length);
  const earliestEnd = new Float64Array(points.length);
  for (const [at, { placed }] of points.entries())
    latestStart[at] = Math.max(placed.call.startUs, at > 0 ? latestStart[at - 1]! : Number.NEGATIVE_INFINITY);
  for (let at = points.length - 1; at >= 0; at--)
    earliestEnd[at] = Math.min(points[at]!.placed.endUs, earliestEnd[at + 1] ?? Number.POSITIVE_INFINITY);

  /** How many points satisfy, where the first ones do and the rest do not. */
  const countWhile = (satisfies: (at: number) => boolean): number => {
    let [low, high] = [0, points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (satisfies(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const stateAfter = (applied: number): LimitState => (applied === 0 ? model.initial() : points[applied - 1]!.state);
  const denies = (applied: number, call: CallOperation, stampUs: number): boolean => {
    const at = { fromUs: stampUs, toUs: stampUs };
    return model.step(stateAfter(applied), { call, at }, { allowed: false, remaining: null }) !== null;
  };
  const stampOf = (applied: number) => (applied === 0 ? 0 : points[applied - 1]!.placed.stampUs);

  const violations: string[] = [];
  for (const call of denials) {
    const stampUs = call.decision!.stampUs;
    const fromUs = call.startUs - stalenessUs;
    // Everything that ended before the span was applied in it, and nothing that was asked after it.
    const least = countWhile((at) => earliestEnd[at]! < fromUs);
    const most = countWhile((at) => latestStart[at]! <= call.endUs);
    const source = call.decision!.source;
    if (stampUs === null) {
      let denied = false;
      for (let applied = least; applied <= most && !denied; applied++)
        denied = denies(applied, call, Math.max(stampOf(applied), stampOf(least)));
      if (!denied)
        violations.push(
          `${describeCall(call)}: denied by ${source}, but the model allows it in every state from ${fromUs} to ${call.endUs} us`,
        );
      continue;
    }
    const applied = Math.min(
      most,
      countWhile((at) => points[at]!.placed.stampUs <= stampUs),
    );
    if (applied < least)
      violations.push(
        `${describeCall(call)}: denied by ${source} at stamp ${stampUs} from a state more than ${stalenessUs} us old: ${describeCall(points[least - 1]!.placed.call)} had ended before, at stamp ${stampOf(least)}`,
      );
    else if (!denies(applied, call, stampUs))
      violations.push(`${describeCall(call)}: denied by ${source} at stamp ${stampUs}, where the model allows it`);
    violations.push(...checkOwnCharge(call, stampUs, points, model));
  }
  return violations;
}

/** SEMANTICS D1: no call is denied because of its own charge. A charge that came after the denial is another matter. */
function checkOwnCharge(
  call: CallOperation,
  stampUs: number,
  points: readonly ReplayPoint[],
  model: ReturnType<typeof createReplayModel>,
): string[] {
  const at = points.findIndex(({ placed }) => placed.call === call);
  if (at < 0 || points[at]!.placed.stampUs > stampUs) return [];
  const before = at === 0 ? model.initial() : points[at - 1]!.state;
  const moment = { fromUs: points[at]!.placed.stampUs, toUs: points[at]!.placed.stampUs };
  if (model.step(before, { call, at: moment }, { allowed: true, remaining: null }) === null) return [];
  return [
    `${describeCall(call)}: denied without an entry at stamp ${stampUs}, but index ${points[at]!.placed.index} charged it before`,
  ];
}
