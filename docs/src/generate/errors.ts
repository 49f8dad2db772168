import { code, paragraphs, prose, table } from "./markdown.ts";
import type { Page } from "./page.ts";
import type { SourceDeclaration } from "./source/declarations.ts";

/** What the page says of one code of `GuardError`. */
export interface ErrorCode {
  readonly code: string;
  readonly meaning: string;
  readonly retry: string;
  /** Whether `onUnavailable` decides what the caller gets. */
  readonly unavailable: boolean;
}

/** What a node answers over the wire in place of a decision, and what the SDK makes of it. */
export interface WireFailure {
  /** The name of the value of `ErrorReason`, or of `Outcome` on a Session stream. */
  readonly reason: string;
  readonly meaning: string;
  readonly applied: readonly string[];
  readonly statuses: readonly { readonly grpc: string; readonly http: number }[];
  readonly code: string;
}

/** Everything on the page `reference/errors`, from the tables of the code. */
export interface ErrorFacts {
  readonly codes: readonly ErrorCode[];
  readonly reasons: readonly WireFailure[];
  readonly outcomes: readonly Pick<WireFailure, "reason" | "meaning" | "code">[];
  /** The type of a code's retry safety, whose comment explains its words. */
  readonly retrySafety: SourceDeclaration;
  readonly sources: SourceDeclaration;
  readonly denialReasons: SourceDeclaration;
}

/** `reference/errors`: codes of errors, what stands for them on the wire, and reasons and sources of decisions. */
export function errorsPage(facts: ErrorFacts): Page {
  return {
    path: "reference/errors",
    title: "Errors, denials and sources",
    description:
      "Every error code with its meaning and retry safety, every reason of a denial, every source of a decision.",
    order: 6,
    label: "Errors and reasons",
    body: paragraphs(
      'A denial is a value (`allowed: false`). A `GuardError` means that there is no decision: wrong use, or an outage under `onUnavailable: "throw"`.',
      "## GuardError codes",
      prose(facts.retrySafety.comment),
      "Under `onUnavailable` stands whether that option decides what the caller gets; if not, the error is thrown whatever the option says.",
      table(
        ["Code", "Meaning", "Retry", "`onUnavailable`"],
        facts.codes.map((one) => [code(one.code), prose(one.meaning), one.retry, one.unavailable ? "decides" : ""]),
      ),
      "The error's own `applied` has the last word. With `no`, nothing was charged, and every code that is not a mistake is safe to repeat; with `unknown`, none is without a `requestId`.",
      "## On the wire",
      "A call that a node did not decide fails with a status, and with an [`ErrorDetail`](/reference/wire/#errordetail) that says more; JSON over HTTP has it in `details`. Its `reason` begins with `ERROR_REASON_`, its `applied` with `APPLIED_`.",
      table(
        ["`reason`", "Meaning", "`applied`", "gRPC and HTTP status", "`GuardError`"],
        facts.reasons.map((one) => [
          code(one.reason.replace("ERROR_REASON_", "")),
          prose(one.meaning),
          one.applied.map((name) => code(name.replace("APPLIED_", ""))).join(" or "),
          one.statuses.map(({ grpc, http }) => `${code(grpc)} ${http}`).join(" or "),
          code(one.code),
        ]),
      ),
      "`UNKNOWN` is the status of a call that may have been applied and has no request id: generic clients repeat calls that fail with `UNAVAILABLE`, and this one might be charged twice.",
      "### Outcomes that are no decision",
      "On a `Session` stream an item is refused by its outcome. Nothing was charged for it.",
      table(
        ["`Outcome`", "Meaning", "`GuardError`"],
        facts.outcomes.map((one) => [code(one.reason), prose(one.meaning), code(one.code)]),
      ),
      "## Reasons of a denial",
      ...denials(facts.denialReasons),
      "## Sources of a decision",
      "`source` says who decided. Degraded decisions also have `degraded: true`.",
      table(["`source`", "Meaning"], withSharedComments(facts.sources)),
    ),
  };
}

/** The type's comment names each reason and, behind it, the status that suits. */
function denials({ comment, fields }: SourceDeclaration): string[] {
  const rows = fields.map(({ name }) => {
    const [, status] = new RegExp(`\`${name}\`.*?\\b([45]\\d\\d)\\b`).exec(comment) ?? [];
    if (status === undefined) throw new Error(`DenialReason's comment names no HTTP status for ${name}`);
    return [code(name), status];
  });
  return [prose(comment), table(["`reason`", "HTTP status that suits"], rows)];
}

/** A comment above several members of a union speaks of all of them. */
function withSharedComments({ fields }: SourceDeclaration): string[][] {
  let comment = "";
  return fields.map((field) => {
    if (field.comment !== "") comment = field.comment;
    return [code(field.name), prose(comment)];
  });
}
