import type { Guard } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";

/** What a case may use: a cluster that is there, and the SDK under test. */
export interface GuardContractContext {
  /** Makes a guard of the SDK under test, connected to the cluster unless `endpoints` says otherwise. */
  createGuard<const P extends string = string>(options?: GuardOptions<P>): Guard<P>;
  /** An address of this SDK's kind at which nobody listens. */
  readonly deadEndpoint: string;
  /** Different for every run, so that runs on one cluster do not meet. */
  readonly prefix: string;
  /** For cases that need real time to pass. */
  sleep(ms: number): Promise<void>;
}

/** One promise of a guard, checked against a real cluster. */
export interface GuardContractCase {
  readonly name: string;
  run(context: GuardContractContext): Promise<void>;
}

/** Throws unless the condition holds. */
export function check(condition: boolean, message: string, ...values: unknown[]): asserts condition {
  if (!condition) throw new Error(`${message} ${values.map((value) => JSON.stringify(value)).join(" ")}`.trim());
}

/** What a promise rejects with, which must be a GuardError. */
export async function rejection(promise: Promise<unknown>): Promise<GuardError> {
  try {
    await promise;
  } catch (error) {
    check(error instanceof GuardError, "rejected with something else than a GuardError:", String(error));
    return error;
  }
  throw new Error("it did not reject");
}

/** Uses a guard, and closes it. */
export async function withGuard<P extends string>(
  guard: Guard<P>,
  use: (guard: Guard<P>) => Promise<void>,
): Promise<void> {
  try {
    await use(guard);
  } finally {
    await guard.close();
  }
}

/** Options that never disguise an outage: a contract about exact decisions must fail rather than degrade. */
export const exact = { onUnavailable: "throw", timeoutMs: 60_000 } as const;

/**
 * Asks again, each time as long after as the denial says, and answers with what came last. More than once, since a cluster's time
 * stands still while it elects, and this machine's does not; not for ever, since the promise is that a key becomes free.
 */
export async function askUntilAllowed<A extends { readonly allowed: boolean; readonly retryAfterMs: number | null }>(
  ask: () => Promise<A>,
  sleep: GuardContractContext["sleep"],
): Promise<A> {
  for (let left = 20; ; left--) {
    const answer = await ask();
    if (answer.allowed || answer.retryAfterMs === null || left === 0) return answer;
    await sleep(answer.retryAfterMs * 1.02 + 20);
  }
}
