import { create } from "@bufbuild/protobuf";
import {
  type AllowBatchRequest,
  type AllowBatchResponse,
  AllowBatchResponseSchema,
  type AllowRequest,
  type AllowResponse,
  AllowResponseSchema,
  type CallResult,
  ErrorReason,
  type PeekRequest,
  type PeekResponse,
  PeekResponseSchema,
} from "@quorumguard/proto";
import type { ClusterNode, SubmitOptions } from "../node/node.ts";
import { type CheckedItem, checkItem } from "./call-batches.ts";
import { CallError, invalidFieldError, outcomeError, refusalDetail, StatusCode } from "./call-error.ts";
import { checkNamespace, checkText } from "./check-text.ts";
import { type DecisionMeter, noMeter } from "./decision-meter.ts";
import { edgeLimits } from "./edge-limits.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { peekOne, submitCalls, type UnaryCall } from "./submit-calls.ts";

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

  return {
    allow: (request, context) =>
      guarded(room, 1, async () => {
        checkOrigin(request.namespace, request.requestId, "request_id");
        const call: UnaryCall = { items: [checkItem(request.check, "check")], requestId: request.requestId };
        const origin = { namespace: request.namespace, identity: context.identity };
        const results = await submitCalls(tools, origin, [call], submitOptions(request, request.firstAttempt, context));
        return allowResponse(results[0]!);
      }),
    allowBatch: (request, context) =>
      guarded(room, request.calls.length, async () => {
        const calls = checkCalls(request);
        const origin = { namespace: request.namespace, identity: context.identity };
        const results = await submitCalls(tools, origin, calls, submitOptions(request, request.firstAttempt, context));
        return create(AllowBatchResponseSchema, { results });
      }),
    peek: (request, context) =>
      guarded(room, 1, async () => {
        checkNamespace(request.namespace);
        const item = checkItem(request.check, "check");
        const peeked = await peekOne(tools, request.namespace, item, submitOptions(request, true, context));
        const error = outcomeError(peeked.decision.outcome);
        if (error !== null) throw error;
        return create(PeekResponseSchema, peeked);
      }),
  };
}

function allowResponse(result: CallResult): AllowResponse {
  const decision = result.decisions[0]!;
  const error = outcomeError(decision.outcome);
  if (error !== null) throw error;
  return create(AllowResponseSchema, { decision, index: result.index, stampUs: result.stampUs });
}

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
    throw error instanceof InvalidField ? invalidFieldError(error) : error;
  } finally {
    room.waiting -= calls;
  }
}

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
    return { items: checked, requestId: call.requestId };
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
