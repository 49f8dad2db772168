import { carried } from "./describe.ts";

/**
 * Whether a call that failed with this code may be made again.
 * `safe`: it was not applied, and will not be. `no`: it would fail again. `unknown`: it may have been applied, so only
 * the same request id makes a repetition safe.
 */
export type RetrySafety = "safe" | "no" | "unknown";

/** Every code of {@link GuardError}, and whether a repeated call is safe. */
export const guardErrorCodes = {
  /** A key, cost, rule, policy name or option is out of bounds; the message names field, value and bound. */
  invalid_argument: "no",
  /** The cluster, or a proxy in front of it, refused the token; the message says why. */
  unauthenticated: "no",
  /** The token is sound, but not for this call: another key, policy, operation or namespace, or a limit of its holder's own choice. */
  permission_denied: "no",
  /** A wrong port, scheme, address or certificate, at every endpoint; the message says what was seen and what to write instead. */
  misconfigured: "no",
  /** `endpoints` name two clusters at the same time. One that was replaced by another is none: see the event `replaced`. */
  wrong_cluster: "no",
  /** The request id was used for a different call. */
  request_id_reused: "no",
  /** No leader, or nobody reachable, within the deadline, or the breaker is open because of that; nothing was applied. */
  unavailable: "safe",
  /** The cluster, or this process, has too many calls waiting, or the token's holder makes more than a node takes from one; nothing was applied. */
  overloaded: "safe",
  /** The cluster's key table is full, and no live count is evicted for a new key; nothing was applied. */
  keys_full: "safe",
  /** The namespace has as many keys as its quota allows; nothing was applied. */
  namespace_full: "safe",
  /** As many holds are open as there may be; nothing was applied. */
  holds_full: "safe",
  /** No such hold is open: it is settled, its time is over, or it is another key's or session's. */
  not_held: "no",
  /** The rule names a policy without a limit of its own, and the cluster has no such policy. */
  unknown_policy: "no",
  /** A slot of `concurrency` is reserved, not taken. */
  needs_reservation: "no",
  /** The guard is closed; see `applied` for what was in flight. */
  closed: "safe",
  /** The call was sent, and no answer came before its deadline, or, outside of a session, within the 55 s in which it may be sent again. */
  timed_out: "unknown",
  /** The session ended while the call was in flight. */
  session_expired: "unknown",
  /** The caller's signal aborted the call. `applied` is "no" if it was never sent. */
  aborted: "unknown",
  /** An answer that this version does not understand. Please report it. */
  internal: "unknown",
} as const satisfies Readonly<Record<string, RetrySafety>>;
/** A key of {@link guardErrorCodes}. */
export type GuardErrorCode = keyof typeof guardErrorCodes;

/** Whether the call was applied: "unknown" once any attempt's end is not known (SEMANTICS U2). */
export type AppliedState = "no" | "unknown";

/** Why there is no decision. A denial is never an error. The only class of error that a guard's methods reject with. */
export class GuardError extends Error {
  /** Always `"GuardError"`. */
  override readonly name = "GuardError";
  /** What went wrong, for programs. */
  readonly code: GuardErrorCode;
  /** Whether the call may have been counted: `"no"`: it was not, and will not be; `"unknown"`: it may have been. */
  readonly applied: AppliedState;
  /**
   * Facts for programs, where there are some: for `invalid_argument` the `field` and its `value`, for an unknown name (of an
   * option, or of a policy) also `nearest`, a text or null, and `known`, a list; for `unauthenticated` and `permission_denied` the
   * node's `reason`, such as `token_expired` or `key_forbidden`, unless it was a proxy that refused; for `overloaded` `token_overused`, if
   * it is the token's holder who asks too much. JSON can write all of it: a `value` that is a
   * long text is cut short, and one that is no text, number or boolean is described.
   */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: GuardErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly applied?: AppliedState;
      readonly details?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.applied = options.applied ?? (guardErrorCodes[code] === "unknown" ? "unknown" : "no");
    const { details } = options;
    this.details =
      details === undefined ? {} : "value" in details ? { ...details, value: carried(details.value) } : details;
  }

  /**
   * Whether making the call again is safe, by the code and by what became of this call: `"safe"`; `"no"`: it would fail again;
   * `"unknown"`: it may count twice, unless it is made under the same `requestId`.
   */
  get retry(): RetrySafety {
    const byCode = guardErrorCodes[this.code];
    if (byCode === "no") return "no";
    return this.applied === "unknown" ? "unknown" : "safe";
  }
}

/** Codes that mean *unavailable*: `onUnavailable` decides what the caller gets. All others always throw. */
export function isUnavailable(code: GuardErrorCode): boolean {
  switch (code) {
    case "unavailable":
    case "overloaded":
    case "keys_full":
    case "namespace_full":
    case "timed_out":
    case "session_expired":
      return true;
    default:
      return false;
  }
}
