import { create } from "@bufbuild/protobuf";
import { Verb } from "@quorumguard/limiter";
import {
  type AllowBatchRequest,
  type AllowBatchResponse,
  AllowBatchResponseSchema,
  type AllowRequest,
  type AllowResponse,
  AllowResponseSchema,
  type CallResult,
  type CancelRequest,
  type CancelResponse,
  CancelResponseSchema,
  type Check,
  type CommitRequest,
  type CommitResponse,
  CommitResponseSchema,
  type Decision,
  ErrorReason,
  type GetTermsRequest,
  type GetTermsResponse,
  type PeekRequest,
  type PeekResponse,
  PeekResponseSchema,
  type ReserveRequest,
  type ReserveResponse,
  ReserveResponseSchema,
  type ResetRequest,
  type ResetResponse,
  ResetResponseSchema,
} from "@quorumguard/proto";
import type { ClusterNode, SubmitOptions } from "../node/node.ts";
import { type CheckedItem, checkItem, type UnaryCall } from "./call-batches.ts";
import { CallError, invalidFieldError, outcomeError, refusalDetail, StatusCode } from "./call-error.ts";
import { checkNamespace, checkText } from "./check-text.ts";
import { type CallVerb, checkVerb, exactNumber, take } from "./check-verb.ts";
import { type DecisionMeter, noMeter } from "./decision-meter.ts";
import { edgeLimits } from "./edge-limits.ts";
import { fieldBounds } from "./field-bounds.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { policyTerms } from "./policy-terms.ts";
import { peekOne, submitCalls } from "./submit-calls.ts";

/** Who makes a unary call and how long they wait, as far as the transport knows. */
export interface CallContext {
  /** Who calls, as far as the transport can tell; request ids are scoped by it (SEMANTICS S7). Empty: not told. */
  readonly identity: string;
  /** Milliseconds that the transport's own deadline leaves; 0: it has none. */
  readonly deadlineMs: number;
}

/** The calls that limit, for any transport. Every rejection is a {@link CallError}. */
export interface GuardHandlers {
  allow(request: AllowRequest, context: CallContext): Promise<AllowResponse>;
  allowBatch(request: AllowBatchRequest, context: CallContext): Promise<AllowBatchResponse>;
  peek(request: PeekRequest, context: CallContext): Promise<PeekResponse>;
  reset(request: ResetRequest, context: CallContext): Promise<ResetResponse>;
  reserve(request: ReserveRequest, context: CallContext): Promise<ReserveResponse>;
  commit(request: CommitRequest, context: CallContext): Promise<CommitResponse>;
  cancel(request: CancelRequest, context: CallContext): Promise<CancelResponse>;
  getTerms(request: GetTermsRequest, context: CallContext): Promise<GetTermsResponse>;
}

/** What unary handlers may be told; the defaults suit production. */
export interface UnaryHandlerOptions {
  /** For callers that give no deadline, in milliseconds. Default 5,000: long enough for a failover, short enough not to hang a shell. */
  readonly defaultDeadlineMs?: number;
  /** Calls that may wait at once; one more is refused as overloaded. Default 65,536. */
  readonly maxWaitingCalls?: number;
  readonly meter?: DecisionMeter;
  /** Milliseconds that never step, for the meter. Default: no time passes. */
  readonly monotonicMs?: () => number;
}

interface Room {
  waiting: number;
  readonly max: number;
}

/** Answers GuardService's unary calls from a node, holding every field to its bounds first. */
export function createGuardHandlers(node: ClusterNode, options: UnaryHandlerOptions = {}): GuardHandlers {
  const defaultDeadlineMs = options.defaultDeadlineMs ?? 5_000;
  const room: Room = { waiting: 0, max: options.maxWaitingCalls ?? 65_536 };
  const tools = { node, meter: options.meter ?? noMeter, monotonicMs: options.monotonicMs ?? (() => 0) };
  const submitOptions = (
    request: { readonly noForward: boolean; readonly deadlineMs: number },
    firstAttempt: boolean,
    context: CallContext,
  ): SubmitOptions => ({
    firstAttempt,
    noForward: request.noForward,
    deadlineMs: soonest(request.deadlineMs, context.deadlineMs) || defaultDeadlineMs,
  });

  /** One call of one check; what belongs to its verb is read once the rest was checked. */
  const single = (
    request: SingleRequest,
    context: CallContext,
    firstAttempt: boolean,
    verbOf: (item: CheckedItem) => CallVerb & { readonly cost?: number },
  ): Promise<SingleAnswer> =>
    guarded(room, 1, async () => {
      checkOrigin(request.namespace, request.requestId, "request_id");
      const item = checkItem(request.check, "check");
      const { cost = item.cost, ...verb } = verbOf(item);
      checkVerb(verb, 1, { verb: "verb", ttlMs: "ttl_ms", handle: "handle" });
      const call: UnaryCall = { items: [{ ...item, cost }], requestId: request.requestId, ...verb };
      const origin = { namespace: request.namespace, identity: context.identity };
      const results = await submitCalls(tools, origin, [call], submitOptions(request, firstAttempt, context));
      return singleAnswer(results[0]!, { namespace: request.namespace, ...item.rule });
    });

  return {
    allow: async (request, context) =>
      create(AllowResponseSchema, await single(request, context, request.firstAttempt, () => take)),
    reset: async (request, context) =>
      create(
        ResetResponseSchema,
        await single(request, context, false, () => ({ ...take, verb: Verb.reset, cost: 1 })),
      ),
    reserve: async (request, context) =>
      create(
        ReserveResponseSchema,
        await single(request, context, false, () => ({ ...take, verb: Verb.reserve, ttlMs: ttlOf(request) })),
      ),
    commit: async (request, context) =>
      create(CommitResponseSchema, await single(request, context, false, (item) => commitVerb(request, item))),
    cancel: async (request, context) =>
      create(
        CancelResponseSchema,
        await single(request, context, false, () => ({ ...take, verb: Verb.cancel, handle: handleOf(request) })),
      ),
    allowBatch: async (request, context) => {
      // First: so many calls that they are refused are no sign that others wait.
      const calls = checked(() => checkCalls(request));
      return guarded(room, calls.length, async () => {
        const origin = { namespace: request.namespace, identity: context.identity };
        const results = await submitCalls(tools, origin, calls, submitOptions(request, request.firstAttempt, context));
        const policyVersion = BigInt(node.applied()?.policies.version(request.namespace) ?? 0);
        return create(AllowBatchResponseSchema, { results, policyVersion });
      });
    },
    peek: (request, context) =>
      guarded(room, 1, async () => {
        checkNamespace(request.namespace);
        const item = checkItem(request.check, "check");
        const peeked = await peekOne(tools, request.namespace, item, submitOptions(request, true, context));
        const error = outcomeError(peeked.decision.outcome, { namespace: request.namespace, ...item.rule });
        if (error !== null) throw error;
        return create(PeekResponseSchema, peeked);
      }),
    getTerms: (request) => guarded(room, 1, async () => policyTerms(node, request)),
  };
}

/** What the requests of one check have in common. */
interface SingleRequest {
  readonly check?: Check | undefined;
  readonly requestId: string;
  readonly namespace: string;
  readonly noForward: boolean;
  readonly deadlineMs: number;
}

type SingleAnswer = Pick<AllowResponse, "index" | "stampUs"> & { readonly decision: Decision };

function singleAnswer(
  { decisions, index, stampUs }: CallResult,
  asked: { readonly namespace: string; readonly policy: string },
): SingleAnswer {
  const decision = decisions[0]!;
  const error = outcomeError(decision.outcome, asked);
  if (error !== null) throw error;
  return { decision, index, stampUs };
}

/** A commit of nothing gives everything back. */
function commitVerb(request: CommitRequest, item: CheckedItem): CallVerb & { readonly cost: number } {
  const cost = request.actualCost ?? item.cost;
  if (cost > edgeLimits.maxCost) throw new InvalidField("actual_cost", cost, fieldBounds.actualCost);
  const verb = cost === 0 ? Verb.cancel : Verb.commit;
  return { ...take, verb, handle: handleOf(request), cost: Math.max(1, cost) };
}

const ttlOf = ({ ttlMs }: { readonly ttlMs: bigint }, at = "") => exactNumber(ttlMs, `${at}ttl_ms`, fieldBounds.ttlMs);
const handleOf = ({ handle }: { readonly handle: bigint }, at = "") =>
  exactNumber(handle, `${at}handle`, fieldBounds.handle);

/** Bounds what waits, and turns a field out of bounds into an error of the call. */
async function guarded<T>(room: Room, calls: number, answer: () => Promise<T>): Promise<T> {
  if (room.waiting + calls > room.max) {
    const message = `${room.waiting} calls wait on this node and ${room.max} may; try again later`;
    throw new CallError(StatusCode.resourceExhausted, refusalDetail(ErrorReason.OVERLOADED, message, 50));
  }
  room.waiting += calls;
  try {
    return await answer();
  } catch (error) {
    throw asCallError(error);
  } finally {
    room.waiting -= calls;
  }
}

function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw asCallError(error);
  }
}

const asCallError = (error: unknown): unknown => (error instanceof InvalidField ? invalidFieldError(error) : error);

function checkCalls(request: AllowBatchRequest): UnaryCall[] {
  checkNamespace(request.namespace);
  if (request.calls.length === 0) throw new InvalidField("calls", shown("empty"), "give at least one call");
  const requestIds = new Set<string>();
  let items = 0;
  return request.calls.map((call, at) => {
    if (call.checks.length === 0)
      throw new InvalidField(`calls[${at}].checks`, shown("empty"), "give at least one check");
    items += call.checks.length;
    if (items > edgeLimits.maxItems) {
      throw new InvalidField(
        "calls",
        shown(`${items} checks or more`),
        `a request has at most ${edgeLimits.maxItems}; split it`,
      );
    }
    checkOrigin(request.namespace, call.requestId, `calls[${at}].request_id`);
    if (call.requestId !== "" && requestIds.has(call.requestId)) {
      throw new InvalidField(`calls[${at}].request_id`, call.requestId, "another call of this request has it too");
    }
    requestIds.add(call.requestId);
    const checked: CheckedItem[] = call.checks.map((check, place) => checkItem(check, `calls[${at}].checks[${place}]`));
    const path = `calls[${at}]`;
    const verb: CallVerb = { verb: call.verb, ttlMs: ttlOf(call, `${path}.`), handle: handleOf(call, `${path}.`) };
    checkVerb(verb, checked.length, { verb: `${path}.verb`, ttlMs: `${path}.ttl_ms`, handle: `${path}.handle` });
    return { items: checked, requestId: call.requestId, ...verb };
  });
}

function checkOrigin(namespace: string, requestId: string, field: string): void {
  checkNamespace(namespace);
  checkText(requestId, field, 0, edgeLimits.maxRequestIdBytes);
}

/** The smaller of two deadlines, of which 0 means none. */
function soonest(a: number, b: number): number {
  if (a === 0) return b;
  if (b === 0) return a;
  return Math.min(a, b);
}
