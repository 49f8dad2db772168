import { type AttemptFailure, failureOfTransport } from "../calls/wire-errors.ts";
import { TransportError } from "../transport.ts";

/** An answer that is no decision. */
export class AttemptError extends TransportError {
  readonly failure: AttemptFailure;

  constructor(failure: AttemptFailure) {
    super("rejected", failure.message);
    this.failure = failure;
  }
}

/** How a failed request went, from whatever was thrown. */
export function failureOf(error: unknown): AttemptFailure {
  if (error instanceof AttemptError) return error.failure;
  if (error instanceof TransportError) return failureOfTransport(error);
  return failureOfTransport(new TransportError("unknown", String(error), { cause: error }));
}
