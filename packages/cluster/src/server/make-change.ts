import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import {
  type AdminChange,
  type AdminRequest,
  PolicyError,
  type PolicyErrorCode,
  readAdminRequest,
} from "@quorumguard/limiter";
import { Applied, type ChangeOptions, type ChangeResult, ChangeResultSchema, ErrorReason } from "@quorumguard/proto";
import type { ClusterNode, NodeFailure, SubmitOptions } from "../node/node.ts";
import { AskFailure, askLeader } from "./admin-questions.ts";
import { CallError, failureError, invalidFieldError, refusalDetail, StatusCode } from "./call-error.ts";
import { checkNamespace } from "./check-text.ts";
import { InvalidField } from "./invalid-field.ts";
import type { CallContext } from "./unary-handlers.ts";

/** For callers that give no deadline, in milliseconds: long enough for a failover, short enough not to hang a shell. */
const defaultDeadlineMs = 5_000;

/** Makes a change through the log, whoever leads. Every rejection is a {@link CallError}. */
export async function makeChange(
  node: ClusterNode,
  namespace: string,
  change: unknown,
  options: ChangeOptions | undefined,
  context: CallContext,
): Promise<ChangeResult> {
  const changeId = options?.changeId ?? "";
  const submit = submitOptions(context, options?.deadlineMs);
  return told(node, changeId !== "", async () => {
    const request = readRequest(namespace, change, options, context.identity);
    const untilMs = performance.now() + submit.deadlineMs;
    const made = await administer(node, request, submit);
    const { version, changed } = made;
    const isTold = changed > 0 && request.change.kind !== "liftBan";
    const edits = isTold ? await editsOf(node, namespace, made, submit, untilMs) : [];
    return create(ChangeResultSchema, { version: BigInt(version), changed, edits: [...edits] });
  });
}

interface Made {
  readonly version: number;
  readonly changed: number;
}

/** A leader of which nothing was heard yet, or that has just gone, may be there in a moment. */
const passing: ReadonlySet<NodeFailure["reason"]> = new Set(["unavailable", "not-leader", "overloaded"]);
/** Milliseconds between two questions. */
const askAgainMs = 25;

/**
 * What a change that is made came to, in words; asked for again until the deadline. That these cannot be had by then, or that
 * others have made so many changes since, does not undo it: no list at all would say that nothing changed, so it is an
 * error that says what is made.
 */
async function editsOf(
  node: ClusterNode,
  namespace: string,
  made: Made,
  submit: SubmitOptions,
  untilMs: number,
): Promise<readonly string[]> {
  const { version } = made;
  const leftMs = untilMs - performance.now();
  try {
    const options = { ...submit, deadlineMs: Math.max(1, Math.ceil(leftMs)) };
    return (await askLeader(node, { kind: "diff", namespace, from: version - 1, to: version }, options)).words;
  } catch (error) {
    if (error instanceof AskFailure && passing.has(error.failure.reason)) {
      const pauseMs = Math.max(askAgainMs, error.failure.retryAfterMs);
      if (performance.now() + pauseMs < untilMs) {
        await setTimeout(pauseMs);
        return editsOf(node, namespace, made, submit, untilMs);
      }
    }
    // Never "not leader", upon which clients send a change again that they take to be not made.
    if (error instanceof AskFailure) {
      const { failure } = error;
      const message = untold(made, failure.message);
      throw new AskFailure({ ...failure, reason: "unavailable", applied: "unknown", message });
    }
    if (error instanceof PolicyError) {
      const detail = refusalDetail(ErrorReason.CHANGE_REFUSED, untold(made, error.message));
      throw new CallError(StatusCode.unknown, { ...detail, applied: Applied.UNKNOWN });
    }
    throw error;
  }
}

function untold({ version, changed }: Made, why: string): string {
  const records = `${changed} record${changed === 1 ? "" : "s"}`;
  return `the change is made: version ${version}, with ${records} changed; what it came to cannot be told now, policy history may tell it (${why})`;
}

function readRequest(
  namespace: string,
  change: unknown,
  options: ChangeOptions | undefined,
  author: string,
): AdminRequest {
  checkNamespace(namespace);
  const expected = options?.expectedVersion;
  if (expected !== undefined && expected > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new InvalidField("options.expected_version", expected, "it must be a version, 0 to 2^53-1");
  }
  return readAdminRequest({
    namespace,
    change: change as AdminChange,
    expectedVersion: expected === undefined ? null : Number(expected),
    changeId: options === undefined || options.changeId === "" ? null : options.changeId,
    // A certificate's name may be longer than what the history keeps.
    author: author.slice(0, 64),
  });
}

/** Has whoever leads make a change. @throws {AskFailure} when it may not be made; {PolicyError} when it is refused. */
export function administer(node: ClusterNode, request: AdminRequest, submit: SubmitOptions): Promise<Made> {
  return new Promise((resolve, reject) => {
    node.operate({ kind: "administer", request }, submit, (outcome) => {
      if (!("kind" in outcome)) {
        reject(new AskFailure(outcome));
      } else if (outcome.kind !== "administered") {
        reject(new Error(`a change was answered with ${outcome.kind}`));
      } else if (outcome.result.error !== null) {
        const { code, message } = outcome.result.error;
        reject(new PolicyError(code, "", message));
      } else {
        resolve(outcome.result);
      }
    });
  });
}

/** How long a caller waits: as it says, as its transport says, or as is usual. */
export function submitOptions(context: CallContext, deadlineMs = 0): SubmitOptions {
  const given = [deadlineMs, context.deadlineMs].filter((ms) => ms > 0);
  return {
    firstAttempt: false,
    noForward: false,
    deadlineMs: Math.min(...given, ...(given.length === 0 ? [defaultDeadlineMs] : [])),
  };
}

/** What went wrong, as an error of the call. `retrySafe`: a repetition would change nothing again. */
export async function told<T>(node: ClusterNode, retrySafe: boolean, answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof InvalidField) throw invalidFieldError(error);
    if (error instanceof PolicyError) throw policyCallError(error);
    if (error instanceof AskFailure)
      throw failureError(error.failure satisfies NodeFailure, node.topology(), retrySafe);
    throw error;
  }
}

/** What the state refused, as a caller sees it. None of these gets better by trying again. */
export const policyRefusals: Readonly<Record<PolicyErrorCode, readonly [StatusCode, ErrorReason]>> = {
  invalid: [StatusCode.invalidArgument, ErrorReason.INVALID_ARGUMENT],
  "version-mismatch": [StatusCode.aborted, ErrorReason.VERSION_MISMATCH],
  "not-found": [StatusCode.notFound, ErrorReason.CHANGE_REFUSED],
  "in-use": [StatusCode.failedPrecondition, ErrorReason.CHANGE_REFUSED],
  "too-many": [StatusCode.failedPrecondition, ErrorReason.CHANGE_REFUSED],
  "history-gone": [StatusCode.failedPrecondition, ErrorReason.CHANGE_REFUSED],
  "change-id-reused": [StatusCode.alreadyExists, ErrorReason.CHANGE_REFUSED],
};

/** A change that was refused, and changed nothing, as an error of the call. */
export function policyCallError({ code, message }: PolicyError): CallError {
  // A newer leader may have reasons that this node does not know.
  const [status, reason] = policyRefusals[code] ?? policyRefusals["in-use"];
  return new CallError(status, refusalDetail(reason, message));
}
