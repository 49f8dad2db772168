/**
 * Stops the node when an invariant of consensus does not hold: continuing could lose or invent committed entries.
 * @throws {Error} when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`raft invariant violated: ${message}`);
}
