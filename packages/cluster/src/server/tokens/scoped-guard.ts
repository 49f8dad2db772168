import { Verb } from "@quorumguard/limiter";
import {
  type AllowBatchResponse,
  type CallResult,
  type Check,
  ErrorReason,
  Outcome,
  type TokenOperation,
} from "@quorumguard/proto";
import { CallError } from "../call-error.ts";
import { isNameAlone } from "../check-rule.ts";
import { edgeLimits } from "../edge-limits.ts";
import type { CallContext, GuardHandlers } from "../unary-handlers.ts";
import type { AccessGate } from "./access-gate.ts";
import { authorizeCheck, authorizeNamespace, authorizePolicy, authorizeRequestId } from "./grant.ts";
import { operationOf } from "./operation-of.ts";
import { telling } from "./refusals.ts";
import type { AdmittedContext, Scoped } from "./scoped.ts";
import { unauthenticated } from "./token-refusal.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** The calls that limit, for callers that may be held to a token. */
export type ScopedGuard = Scoped<GuardHandlers>;

/**
 * Holds every check of every call to what the caller's token allows, and counts it and its key, before the handlers see the call. What is
 * malformed is left to them: they refuse it before anything is proposed.
 */
export function createScopedGuard(
  guard: GuardHandlers,
  { spend, openKeys, refused }: Pick<AccessGate, "spend" | "openKeys" | "refused">,
): ScopedGuard {
  const scoped =
    <I extends object, O>(
      authorize: (token: VerifiedToken, request: I) => void,
      answer: (request: I, context: CallContext) => Promise<O>,
      { callsOf = () => 1, opens = () => [] }: Counted<I> = {},
    ) =>
    async (request: I, context: AdmittedContext): Promise<O> => {
      const { token } = context;
      if (token === null) return answer(request, context);
      // First: a request was decoded for its holder, whether it is allowed or not.
      spend(context, callsOf(request));
      telling(refused, () => authorize(token, request));
      openKeys(token, opens(request));
      try {
        // A denial that is answered without the log is remembered by nobody, and so the token could make another call.
        const asked = token.onlyRequestId === null ? request : { ...request, firstAttempt: false };
        return await answer(asked, context);
      } catch (error) {
        const told = token.onlyRequestId === null ? error : asReplayed(error);
        refused(told);
        throw told;
      }
    };
  const single = (operation: TokenOperation) => (token: VerifiedToken, request: SingleRequest) => {
    authorizeRequestId(token, request.requestId, "request_id");
    authorizeNamespace(token.grant, request.namespace, "namespace");
    authorizeOne(token, operation, request.check, "check");
  };
  return {
    allow: scoped(single("check"), guard.allow, { opens: ({ check }) => countsOf([check]) }),
    reset: scoped(single("reset"), guard.reset),
    reserve: scoped(single("reserve"), guard.reserve, { opens: ({ check }) => countsOf([check]) }),
    commit: scoped(single("reserve"), guard.commit),
    cancel: scoped(single("reserve"), guard.cancel),
    allowBatch: scoped(
      authorizeBatch,
      async (request, context) => {
        const response = await guard.allowBatch(request, context);
        if (request.calls.length === 1) throwIfReplayed(response, context as AdmittedContext);
        return response;
      },
      { callsOf: checksOf, opens: openedBy },
    ),
    peek: scoped((token, request) => {
      authorizeRequestId(token, null, "a question");
      authorizeNamespace(token.grant, request.namespace, "namespace");
      authorizeOne(token, "peek", request.check, "check");
    }, guard.peek),
    getTerms: scoped((token, { namespace, names }) => {
      authorizeNamespace(token.grant, namespace, "namespace");
      for (const [at, name] of names.entries()) authorizePolicy(token.grant, name, `names[${at}]`);
    }, guard.getTerms),
  };
}

/** What a request is counted as, beside itself. */
interface Counted<I> {
  /** Default: one. */
  readonly callsOf?: (request: I) => number;
  /** The counts that it may open, by name. Default: none. */
  readonly opens?: (request: I) => readonly string[];
}

/** The counts of checks, each of a policy and a key. What is longer than it may be is left to the handlers, and not remembered. */
function countsOf(checks: readonly (Check | undefined)[]): string[] {
  return checks.flatMap((check) => {
    const { key = "", rule: { policy } = { policy: "" } } = check ?? {};
    const isSound = key.length <= edgeLimits.maxKeyBytes && policy.length <= edgeLimits.maxPolicyBytes;
    return check === undefined || !isSound ? [] : [`${policy.length}:${policy}${key}`];
  });
}

function openedBy({ calls }: Parameters<GuardHandlers["allowBatch"]>[0]): string[] {
  return calls.flatMap(({ verb, checks }) => (verb === Verb.take || verb === Verb.reserve ? countsOf(checks) : []));
}

interface SingleRequest {
  readonly check?: Check | undefined;
  readonly requestId: string;
  readonly namespace: string;
}

/** How many checks a batch asks for, a call without any being one; of more than there may be, as many as that: it is refused, and nobody is to pay for it long. */
function checksOf({ calls }: Parameters<GuardHandlers["allowBatch"]>[0]): number {
  const checks = calls.reduce((sum, { checks }) => sum + Math.max(1, checks.length), 0);
  return Math.max(1, Math.min(checks, edgeLimits.maxItems));
}

function authorizeBatch(token: VerifiedToken, request: Parameters<GuardHandlers["allowBatch"]>[0]): void {
  const { grant, onlyRequestId } = token;
  authorizeNamespace(grant, request.namespace, "namespace");
  if (onlyRequestId !== null && request.calls.length > 1) {
    const message = `calls has ${request.calls.length} of them: the token is for one call`;
    throw unauthenticated(ErrorReason.TOKEN_REPLAYED, message);
  }
  for (const [at, call] of request.calls.entries()) {
    authorizeRequestId(token, call.requestId, `calls[${at}].request_id`);
    const operation = operationOf(call.verb);
    for (const [place, check] of call.checks.entries()) {
      authorizeOne(token, operation, check, `calls[${at}].checks[${place}]`);
    }
  }
}

function authorizeOne(
  { grant }: VerifiedToken,
  operation: TokenOperation,
  check: Check | undefined,
  path: string,
): void {
  const rule = check?.rule;
  if (check === undefined || rule === undefined) return;
  const hasNumbers = !isNameAlone({ ...rule, windowUs: Number(rule.windowUs) });
  authorizeCheck(grant, { operation, key: check.key, policy: rule.policy, hasNumbers, path });
}

/** To the holder of a token for one call, its request id with another call is the token used again. */
function asReplayed(error: unknown): unknown {
  if (!(error instanceof CallError) || error.detail.reason !== ErrorReason.REQUEST_ID_REUSED) return error;
  return replayed();
}

function throwIfReplayed({ results }: AllowBatchResponse, { token }: AdmittedContext): void {
  const isReused = ({ decisions }: CallResult) =>
    decisions.some(({ outcome }) => outcome === Outcome.REQUEST_ID_REUSED);
  if (token?.onlyRequestId != null && results.some(isReused)) throw replayed();
}

const replayed = (): CallError =>
  unauthenticated(ErrorReason.TOKEN_REPLAYED, "the token was for one call, which was another one than this");
