/**
 * What this process answered by itself, in totals since the guard was made; whoever watches reads them when it likes.
 */
export interface LocalAnswerCounts {
  /** Calls that were denied by what the cluster had said before. */
  denialsServed: number;
  /** Denials that were remembered. */
  denialsRemembered: number;
}

/** Nothing was answered yet. */
export function createLocalAnswerCounts(): LocalAnswerCounts {
  return { denialsServed: 0, denialsRemembered: 0 };
}
