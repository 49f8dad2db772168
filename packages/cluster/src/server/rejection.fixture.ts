import { expect } from "vitest";
import { CallError } from "./call-error.ts";

/** The error that a call is refused with; a call that is answered, or fails with anything else, fails the test. */
export async function rejection(answer: Promise<unknown>): Promise<CallError> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallError);
  return error as CallError;
}

/** The same of what refuses at once, and may not: null then. */
export function refusal(attempt: () => void): CallError | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
}
