/** A case that did not hold. */
export interface CaseFailure {
  readonly name: string;
  readonly message: string;
}

/** What became of a table of cases. */
export interface Report {
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly CaseFailure[];
  /** Why they could not run on this machine; left out if they did. */
  readonly skipReason?: string;
}

/** Cases that ran, and those of them that failed. */
export function reportOf(cases: number, failures: readonly CaseFailure[]): Report {
  return { cases, passed: cases - failures.length, failed: failures.length, skipped: 0, failures };
}

/** Cases that could not run here; the reason has the remedy. */
export function skippedReport(cases: number, skipReason: string): Report {
  return { cases, passed: 0, failed: 0, skipped: cases, failures: [], skipReason };
}

/** True if something ran, and all of it passed. */
export function holds({ cases, passed }: Report): boolean {
  return cases > 0 && passed === cases;
}
