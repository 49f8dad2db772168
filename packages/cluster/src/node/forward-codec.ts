import type { AdminResult, OperationResult, PolicyErrorCode, ResultColumns } from "@quorumguard/limiter";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { PeerFormatError } from "./bytes.ts";
import { type DecisionFacts, type NodeFailure, nodeFailureReasons } from "./node.ts";

/** What a follower asks of the leader, in one hop: a leader that no longer leads answers so and never passes it on. */
export interface ForwardRequest {
  readonly id: number;
  readonly kind: (typeof requestKinds)[number];
  readonly firstAttempt: boolean;
  /** Milliseconds that the caller still waits; 0: no bound. */
  readonly deadlineMs: number;
  /** An operation as the log carries it; a peek is the calls of one anonymous item. A question is what the asker and the answerer agree on. */
  readonly operation: Uint8Array;
}

/** A part of an answer: calls may be answered apart. */
export type ForwardReply =
  | {
      readonly id: number;
      readonly kind: "decided";
      readonly fromCall: number;
      readonly toCall: number;
      readonly facts: DecisionFacts;
      readonly results: ResultColumns;
    }
  | {
      readonly id: number;
      readonly kind: "failed";
      readonly fromCall: number;
      readonly toCall: number;
      readonly failure: NodeFailure;
    }
  | { readonly id: number; readonly kind: "operated"; readonly result: OperationResult }
  | { readonly id: number; readonly kind: "answered"; readonly answer: Uint8Array };

const requestKinds = ["calls", "peek", "operation", "question"] as const;

/** An answer to a question has at most so many bytes. */
export const maxAnswerBytes = 8_388_608;

/** Appends one forwarded request to a frame that has been begun. */
export function writeRequest(out: ByteWriter, request: ForwardRequest): void {
  out.f64(request.id);
  out.u8(requestKinds.indexOf(request.kind));
  out.u8(request.firstAttempt ? 1 : 0);
  out.f64(request.deadlineMs);
  out.bytes(request.operation);
}

/** Reads one forwarded request. @throws {PeerFormatError} when the bytes are not a request. */
export function readRequest(input: ByteReader, maxOperationBytes: number): ForwardRequest {
  const id = input.u53();
  const kind = requestKinds[input.u8()];
  if (kind === undefined) throw new PeerFormatError("unknown kind of forwarded request");
  const firstAttempt = input.u8() === 1;
  const deadlineMs = Math.max(0, input.finite());
  return { id, kind, firstAttempt, deadlineMs, operation: input.bytes(maxOperationBytes) };
}

/** `items` results from `fromItem` on, in columns. */
export function writeDecided(
  out: ByteWriter,
  id: number,
  fromCall: number,
  toCall: number,
  facts: DecisionFacts,
  results: ResultColumns,
  fromItem: number,
  items: number,
): void {
  out.u8(1);
  out.f64(id);
  out.u32(fromCall);
  out.u32(toCall);
  // The deciding entry's index is 0 if the leader answered from applied state, and this one otherwise.
  out.f64(facts.asOfIndex);
  out.f64(facts.stampUs);
  out.u8((facts.source === "quorum" ? 1 : 0) | (facts.repeated ? 2 : 0));
  out.u32(items);
  out.raw(results.outcomes.subarray(fromItem, fromItem + items));
  out.raw(results.shadows.subarray(fromItem, fromItem + items));
  for (let i = fromItem; i < fromItem + items; i++) {
    out.f64(results.remaining[i]!);
    out.f64(results.resetAfterMs[i]!);
    out.f64(results.retryAfterMs[i]!);
    out.f64(results.firmForMs[i]!);
    out.f64(results.handles[i]!);
    out.f64(results.limits[i]!);
  }
}

/** Why calls `[fromCall, toCall)` were not decided. */
export function writeFailed(out: ByteWriter, id: number, fromCall: number, toCall: number, failure: NodeFailure): void {
  out.u8(2);
  out.f64(id);
  out.u32(fromCall);
  out.u32(toCall);
  out.u8(nodeFailureReasons.indexOf(failure.reason));
  out.u8(failure.applied === "unknown" ? 1 : 0);
  out.text(failure.message);
  out.f64(failure.retryAfterMs);
  out.f64(failure.leaderId);
  out.f64(failure.term);
}

/** What a registration, renewal or goodbye came to. */
export function writeOperated(out: ByteWriter, id: number, result: OperationResult): void {
  out.u8(3);
  out.f64(id);
  switch (result.kind) {
    case "registered":
      out.u8(1);
      out.f64(result.session.index);
      out.f64(result.session.position);
      return;
    case "refused":
      out.u8(result.reason === "too-old" ? 2 : 3);
      return;
    case "renewed":
      out.u8(result.known ? 4 : 5);
      return;
    case "closed":
      out.u8(result.known ? 6 : 7);
      return;
    case "bounds":
      out.u8(8);
      return;
    case "administered":
      out.u8(9);
      writeAdminResult(out, result.result);
      return;
    case "calls":
      throw new PeerFormatError("results of calls travel in columns");
  }
}

/** What the leader answers to a question. */
export function writeAnswered(out: ByteWriter, id: number, answer: Uint8Array): void {
  out.u8(4);
  out.f64(id);
  out.bytes(answer);
}

/** Reads one part of an answer to a forwarded request. @throws {PeerFormatError} when the bytes are not a reply. */
export function readReply(input: ByteReader): ForwardReply {
  const kind = input.u8();
  const id = input.u53();
  if (kind === 1) return readDecided(input, id);
  if (kind === 2) return readFailed(input, id);
  if (kind === 3) return { id, kind: "operated", result: readResult(input) };
  if (kind === 4) return { id, kind: "answered", answer: input.bytes(maxAnswerBytes) };
  throw new PeerFormatError(`unknown kind ${kind} of forwarded reply`);
}

function readDecided(input: ByteReader, id: number): ForwardReply {
  const fromCall = input.u32();
  const toCall = input.u32();
  const asOfIndex = input.u53();
  const stampUs = input.u53();
  const flags = input.u8();
  const source = (flags & 1) === 1 ? "quorum" : "leader";
  const repeated = (flags & 2) === 2;
  const facts: DecisionFacts = { index: source === "quorum" ? asOfIndex : 0, asOfIndex, stampUs, source, repeated };
  const items = input.count(50);
  const outcomes = input.raw(items);
  const shadows = input.raw(items);
  const remaining = new Float64Array(items);
  const resetAfterMs = new Float64Array(items);
  const retryAfterMs = new Float64Array(items);
  const firmForMs = new Float64Array(items);
  const handles = new Float64Array(items);
  const limits = new Float64Array(items);
  for (let i = 0; i < items; i++) {
    remaining[i] = input.finite();
    resetAfterMs[i] = input.finite();
    retryAfterMs[i] = input.finite();
    firmForMs[i] = input.finite();
    handles[i] = input.u53();
    limits[i] = input.finite();
  }
  const results = { items, outcomes, remaining, resetAfterMs, retryAfterMs, firmForMs, handles, limits, shadows };
  return { id, kind: "decided", fromCall, toCall, facts, results };
}

function readFailed(input: ByteReader, id: number): ForwardReply {
  const fromCall = input.u32();
  const toCall = input.u32();
  const reason = nodeFailureReasons[input.u8()];
  if (reason === undefined) throw new PeerFormatError("unknown reason of a forwarded failure");
  const failure: NodeFailure = {
    reason,
    applied: input.u8() === 1 ? "unknown" : "no",
    message: input.text(4_096),
    retryAfterMs: input.finite(),
    leaderId: input.u53(),
    term: input.u53(),
  };
  return { id, kind: "failed", fromCall, toCall, failure };
}

function readResult(input: ByteReader): OperationResult {
  const tag = input.u8();
  switch (tag) {
    case 1:
      return { kind: "registered", session: { index: input.u53(), position: input.u53() } };
    case 2:
      return { kind: "refused", reason: "too-old" };
    case 3:
      return { kind: "refused", reason: "sessions-full" };
    case 4:
    case 5:
      return { kind: "renewed", known: tag === 4 };
    case 6:
    case 7:
      return { kind: "closed", known: tag === 6 };
    case 8:
      return { kind: "bounds" };
    case 9:
      return { kind: "administered", result: readAdminResult(input) };
    default:
      throw new PeerFormatError(`unknown result ${tag} of a forwarded operation`);
  }
}

function writeAdminResult(out: ByteWriter, { version, changed, error }: AdminResult): void {
  out.f64(version);
  out.f64(changed);
  out.u8(error === null ? 0 : 1);
  if (error === null) return;
  out.text(error.code);
  out.text(error.field);
  out.text(error.message);
}

function readAdminResult(input: ByteReader): AdminResult {
  const version = input.u53();
  const changed = input.u53();
  if (input.u8() === 0) return { version, changed, error: null };
  // A code that only a newer leader knows is shown as it is: what decides about it has a default.
  const error = { code: input.text(64) as PolicyErrorCode, field: input.text(4_096), message: input.text(8_192) };
  return { version, changed, error };
}
