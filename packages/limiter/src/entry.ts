import type { CallBatch } from "./call-batch.ts";
import type { Bounds, SessionId } from "./limiter.ts";
import type { AdminRequest } from "./policies/admin-change.ts";

/**
 * Writes one log entry: every call of an event-loop turn, from all connections.
 *
 * ```
 * entry     := formatVersion u8 · flags u8 (1: takeover) · fsmVersion u16 · stampUs u64 · operation*
 * operation := tag u8 · length u32 · body
 * ```
 * Integers are little-endian. The length lets a follower hand an operation on, or a tool skip it, without decoding it.
 * The byte layout of each body is documented in `entry/format.ts`.
 */
export interface EntryWriter {
  /** Bytes written so far, the header included. */
  readonly bytes: number;
  readonly operations: number;
  /** Items of all calls so far. */
  readonly items: number;
  begin(options: { readonly takeover: boolean }): void;
  /** Calls `[fromCall, toCall)` of the batch; copies what it needs. Returns the operation's position in the entry. */
  calls(origin: CallOrigin, batch: CallBatch, fromCall: number, toCall: number): number;
  register(nonce: Uint8Array, helloStampUs: number, namespace: string): number;
  renew(session: SessionId, nonce: Uint8Array, ackedThrough: number): number;
  goodbye(session: SessionId, nonce: Uint8Array): number;
  bounds(bounds: Bounds): number;
  /** A change of policies or of what depends on them. @throws {PolicyError} when it is malformed. */
  administer(request: AdminRequest): number;
  /** An operation that another node encoded, taken over as it is after a full check. @throws {EntryError} if it is malformed. */
  operation(bytes: Uint8Array): number;
  /** The finished entry, in memory of its own. An entry without operations is a plain stamp. */
  finish(stampUs: number): Uint8Array;
}

/** Whose calls these are, and what makes them exactly-once. */
export type CallOrigin =
  | { readonly kind: "session"; readonly session: SessionId; readonly nonce: Uint8Array; readonly ackedThrough: number }
  /** One call per request id, so the batch range must hold exactly one. */
  | { readonly kind: "request"; readonly namespace: string; readonly identity: string; readonly requestId: string }
  /** Nothing protects it: a retry may charge twice. */
  | { readonly kind: "anonymous"; readonly namespace: string };

/** One operation, decoded: what a leader needs to judge calls that a follower forwarded. */
export type Operation =
  | { readonly kind: "calls"; readonly origin: CallOrigin; readonly batch: CallBatch }
  | { readonly kind: "register"; readonly nonce: Uint8Array; readonly helloStampUs: number; readonly namespace: string }
  | { readonly kind: "renew"; readonly session: SessionId; readonly nonce: Uint8Array; readonly ackedThrough: number }
  | { readonly kind: "goodbye"; readonly session: SessionId; readonly nonce: Uint8Array }
  | { readonly kind: "bounds"; readonly bounds: Bounds }
  | { readonly kind: "administer"; readonly request: AdminRequest };
