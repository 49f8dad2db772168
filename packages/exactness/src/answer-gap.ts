import type { CallerRecord } from "@quorumguard/audit";

/** What of a caller's record says when it was answered, in the order of the answers. */
type Answered = Pick<CallerRecord, "allowed" | "endUs">;

const second = 1_000_000;

/**
 * The longest time in milliseconds without an answer to anybody that a kill at that moment may have been the cause of:
 * it ends within five seconds of it, and is counted from an answer that is at most one second older.
 */
export function gapAroundMs(killedAtUs: number, records: readonly Answered[]): number {
  const answered = records.filter(({ allowed }) => allowed !== null).map(({ endUs }) => endUs);
  const around = answered.filter((endUs) => endUs >= killedAtUs - second && endUs <= killedAtUs + 5 * second);
  let longestUs = 0;
  for (const [at, endUs] of around.entries())
    if (at > 0 && endUs >= killedAtUs) longestUs = Math.max(longestUs, endUs - around[at - 1]!);
  return Math.round(longestUs / 1_000);
}
