/** What a step came to. Nothing that was left out is silent: it stands in `skipped`, with reason and remedy. */
export interface StepResult {
  /** Checks that passed and that failed; a step that is one check counts 1. */
  readonly passed: number;
  readonly failed: number;
  /** One line for each thing that was not checked and could be: an installation mends it. */
  readonly skipped: readonly string[];
  /** One line for each thing that this clone cannot check, whatever is installed. */
  readonly notes: readonly string[];
  /** One line for each failure that the step's own output does not already name. */
  readonly failures: readonly string[];
}

/** One step of `npm test`. */
export interface Step {
  /** Kebab-case; what `--only` takes. */
  readonly name: string;
  /** What it promises, in a few words. */
  readonly title: string;
  run(): Promise<StepResult>;
}

/** A step that is one check: passed, or failed for the reason given. */
export function oneCheck(failure: string | null): StepResult {
  return failure === null
    ? { passed: 1, failed: 0, skipped: [], notes: [], failures: [] }
    : { passed: 0, failed: 1, skipped: [], notes: [], failures: [failure] };
}

/** Things that were not checked because something is not installed. */
export function skippedChecks(reasons: readonly string[]): StepResult {
  return { passed: 0, failed: 0, skipped: reasons, notes: [], failures: [] };
}

/** A step that this clone cannot check, for a reason that no installation mends. */
export function notCheckable(reason: string): StepResult {
  return { passed: 0, failed: 0, skipped: [], notes: [reason], failures: [] };
}

/** Adds up results of steps. */
export function sumResults(results: readonly StepResult[]): StepResult {
  return {
    passed: results.reduce((sum, result) => sum + result.passed, 0),
    failed: results.reduce((sum, result) => sum + result.failed, 0),
    skipped: results.flatMap((result) => result.skipped),
    notes: results.flatMap((result) => result.notes),
    failures: results.flatMap((result) => result.failures),
  };
}

/** True if the whole run passed. Where everything can be installed, a skip is a failure. */
export function hasPassed(total: StepResult, skipsFail: boolean): boolean {
  return total.failed === 0 && total.passed > 0 && !(skipsFail && total.skipped.length > 0);
}
