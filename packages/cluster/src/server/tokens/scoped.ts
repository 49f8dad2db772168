import type { CallContext } from "../unary-handlers.ts";
import type { Caller } from "./access-gate.ts";

/** A call whose caller the listener has made sure of. */
export interface AdmittedContext extends CallContext, Caller {}

/** The handlers of a service, for callers that may be held to a token. */
export type Scoped<H> = {
  readonly [M in keyof H]: H[M] extends (request: infer I, context: CallContext) => infer O
    ? (request: I, context: AdmittedContext) => O
    : never;
};
