/**
 * What can be wrong with an administrative change. `invalid` depends on the change alone; the others on the state that it
 * met, so that the same change may succeed at another time.
 */
export type PolicyErrorCode =
  | "invalid"
  /** `expectedVersion` is not the namespace's version: read again, then decide again. */
  | "version-mismatch"
  /** What is to be deleted, lifted or referred to is not there. */
  | "not-found"
  /** Something else still refers to it. */
  | "in-use"
  /** A bound on count or bytes. */
  | "too-many"
  /** The history does not reach back so far. */
  | "history-gone"
  /** The same change id came with another change before. */
  | "change-id-reused";

/** A change that is refused: its message names field, value, bound and what to do. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code: PolicyErrorCode;
  /** Where in the change, such as `change.policies[2].limit`. */
  readonly field: string;

  constructor(code: PolicyErrorCode, field: string, message: string) {
    super(field === "" ? message : `${field} ${message}`);
    this.code = code;
    this.field = field;
  }
}
