import { checkBounds } from "../bounds.ts";
import type { CallBatch } from "../call-batch.ts";
import type { CallOrigin, Operation } from "../entry.ts";
import { MAX_NAMESPACE_BYTES } from "../keys/quota-rule.ts";
import type { Bounds, SessionId } from "../limiter.ts";
import { type AdminRequest, readAdminRequest } from "../policies/admin-change.ts";
import type { Algorithm, Rule } from "../rule.ts";
import { ByteReader, between, u16At, u32At, u64At } from "./byte-reader.ts";
import { CallsLayout } from "./calls-layout.ts";
import { EntryError } from "./entry-error.ts";
import {
  FLAG_TAKEOVER,
  FORMAT_VERSION,
  FSM_VERSION,
  HEADER_BYTES,
  MAX_STAMP_US,
  NONCE_BYTES,
  OPERATION_HEADER_BYTES,
  OriginTag,
  Tag,
} from "./format.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * What an entry says before its operations: the stamp at which all of them are judged, and whether a leader took over.
 */
export interface EntryHeader {
  readonly takeover: boolean;
  readonly stampUs: number;
}

/**
 * Reads an entry's header.
 *
 * @throws {EntryError} when the bytes do not begin like an entry of a format that this version knows.
 */
export function readHeader(bytes: Uint8Array): EntryHeader {
  if (bytes.length < HEADER_BYTES) {
    throw new EntryError(`the entry has ${bytes.length} bytes; its header alone takes ${HEADER_BYTES}`);
  }
  if (bytes[0] !== FORMAT_VERSION) {
    throw new EntryError(`formatVersion is ${bytes[0]}; this version knows ${FORMAT_VERSION}: upgrade this node`);
  }
  const flags = bytes[1]!;
  if ((flags & ~FLAG_TAKEOVER) !== 0) throw new EntryError(`flags is ${flags}; this version knows 0 and 1`);
  const fsmVersion = u16At(bytes, 2);
  if (fsmVersion !== FSM_VERSION) {
    throw new EntryError(`fsmVersion is ${fsmVersion}; this version knows ${FSM_VERSION}: upgrade this node`);
  }
  const stampUs = between(u64At(bytes, 4), "stampUs", 0, MAX_STAMP_US);
  return { takeover: (flags & FLAG_TAKEOVER) !== 0, stampUs };
}

/** Where the operation at `at` ends; its body begins {@link OPERATION_HEADER_BYTES} later. @throws {EntryError} */
export function operationEnd(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < OPERATION_HEADER_BYTES) {
    throw new EntryError(`an operation at offset ${at} has ${bytes.length - at} bytes; its header alone takes 5`);
  }
  const length = u32At(bytes, at + 1);
  const end = at + OPERATION_HEADER_BYTES + length;
  if (end > bytes.length) {
    throw new EntryError(`an operation at offset ${at} ends at ${end}, but there are ${bytes.length} bytes`);
  }
  return end;
}

/** A whole entry, for tools and audits; operations are decoded one by one as they are asked for. @throws {EntryError} */
export function readEntry(bytes: Uint8Array): {
  readonly takeover: boolean;
  readonly stampUs: number;
  readonly operations: Iterable<Operation>;
} {
  const { takeover, stampUs } = readHeader(bytes);
  return {
    takeover,
    stampUs,
    operations: {
      *[Symbol.iterator]() {
        for (let at = HEADER_BYTES; at < bytes.length; ) {
          const end = operationEnd(bytes, at);
          yield decodeAt(bytes, at, end);
          at = end;
        }
      },
    },
  };
}

/** One operation, as `encodeOperation` made it; every byte is checked. @throws {EntryError} */
export function decodeOperation(bytes: Uint8Array): Operation {
  const end = operationEnd(bytes, 0);
  if (end !== bytes.length) throw new EntryError(`the operation ends at ${end}, but there are ${bytes.length} bytes`);
  return decodeAt(bytes, 0, end);
}

function decodeAt(bytes: Uint8Array, at: number, end: number): Operation {
  const reader = new ByteReader(bytes, at + OPERATION_HEADER_BYTES, end);
  switch (bytes[at]) {
    case Tag.calls: {
      const layout = new CallsLayout();
      layout.read(reader);
      return { kind: "calls", origin: originOf(layout), batch: batchOf(layout) };
    }
    case Tag.register: {
      const register = readRegister(reader);
      const namespace = decodeUtf8(bytes, register.namespaceStart, register.namespaceLength);
      return {
        kind: "register",
        nonce: nonceAt(bytes, register.nonceStart),
        helloStampUs: register.helloStampUs,
        namespace,
      };
    }
    case Tag.renew: {
      const { session, nonceStart } = readSession(reader);
      const ackedThrough = reader.u64("ackedThrough");
      reader.finish("renew");
      return { kind: "renew", session, nonce: nonceAt(bytes, nonceStart), ackedThrough };
    }
    case Tag.goodbye: {
      const { session, nonceStart } = readSession(reader);
      reader.finish("goodbye");
      return { kind: "goodbye", session, nonce: nonceAt(bytes, nonceStart) };
    }
    case Tag.bounds:
      return { kind: "bounds", bounds: readBounds(reader) };
    case Tag.administer:
      return { kind: "administer", request: readAdminister(reader) };
    default:
      throw new EntryError(`an operation at offset ${at} has tag ${bytes[at]}; this version knows 1 to 6`);
  }
}

/** The body of a register operation; its namespace is checked, since a session is later asked for it. @throws {EntryError} */
export function readRegister(reader: ByteReader): {
  readonly nonceStart: number;
  readonly helloStampUs: number;
  readonly namespaceStart: number;
  readonly namespaceLength: number;
} {
  const nonceStart = reader.skip(NONCE_BYTES, "nonce");
  const helloStampUs = reader.u64("helloStampUs");
  const namespace = reader.name("namespace", MAX_NAMESPACE_BYTES);
  reader.finish("register");
  decodeUtf8(reader.bytes, namespace.start, namespace.length);
  return { nonceStart, helloStampUs, namespaceStart: namespace.start, namespaceLength: namespace.length };
}

/** What renew and goodbye begin with. @throws {EntryError} */
export function readSession(reader: ByteReader): { readonly session: SessionId; readonly nonceStart: number } {
  const session = { index: reader.u64("session index"), position: reader.u32("session position") };
  return { session, nonceStart: reader.skip(NONCE_BYTES, "nonce") };
}

/** The body of an administer operation. @throws {EntryError} */
export function readAdminister(reader: ByteReader): AdminRequest {
  const bytes = reader.end - reader.at;
  const text = decodeUtf8(reader.bytes, reader.at, bytes);
  try {
    return readAdminRequest(JSON.parse(text), bytes);
  } catch (error) {
    throw new EntryError(`the administrative change is malformed: ${error instanceof Error ? error.message : error}`);
  }
}

/** The body of a bounds operation. @throws {EntryError} */
export function readBounds(reader: ByteReader): Bounds {
  const bounds: Bounds = {
    maxKeys: reader.u64("maxKeys"),
    maxSessions: reader.u64("maxSessions"),
    maxResultsPerSession: reader.u64("maxResultsPerSession"),
    sessionTtlUs: reader.u64("sessionTtlUs"),
    maxRequestIds: reader.u64("maxRequestIds"),
    requestIdTtlUs: reader.u64("requestIdTtlUs"),
    maxHolds: reader.u64("maxHolds"),
    maxHoldsPerSession: reader.u64("maxHoldsPerSession"),
  };
  reader.finish("bounds");
  const problem = checkBounds(bounds);
  if (problem !== null) throw new EntryError(problem);
  return bounds;
}

function nonceAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.slice(at, at + NONCE_BYTES);
}

function originOf(layout: CallsLayout): CallOrigin {
  const { bytes } = layout;
  if (layout.origin === OriginTag.session) {
    return {
      kind: "session",
      session: { index: layout.sessionIndex, position: layout.sessionPosition },
      nonce: nonceAt(bytes, layout.nonceStart),
      ackedThrough: layout.ackedThrough,
    };
  }
  const namespace = decodeUtf8(bytes, layout.namespaceStart, layout.namespaceLength);
  if (layout.origin === OriginTag.anonymous) return { kind: "anonymous", namespace };
  const identity = decodeUtf8(bytes, layout.identityStart, layout.identityLength);
  const requestId = decodeUtf8(bytes, layout.requestIdStart, layout.requestIdLength);
  return { kind: "request", namespace, identity, requestId };
}

function batchOf(layout: CallsLayout): CallBatch {
  const { bytes, items, calls } = layout;
  const rules: Rule[] = [];
  for (let i = 0; i < layout.rules; i++) {
    const at = layout.ruleStarts[i]!;
    rules.push({
      algorithm: bytes[at] as Algorithm,
      limit: u32At(bytes, at + 1),
      windowUs: u64At(bytes, at + 5),
      burst: u32At(bytes, at + 13),
      policy: decodeUtf8(bytes, at + 19, u16At(bytes, at + 17)),
    });
  }
  const keyStarts = new Uint32Array(items);
  const keyLengths = new Uint32Array(items);
  for (let i = 0, at = 0; i < items; i++) {
    keyStarts[i] = at;
    keyLengths[i] = layout.keyLengthOf(i);
    at += keyLengths[i]!;
  }
  const column = (start: number, length: number, of: (at: number) => number): Uint32Array | null =>
    start === 0 ? null : Uint32Array.from({ length }, (_, i) => of(i));
  return {
    firstNumber: layout.firstNumber,
    calls,
    items,
    rules,
    keyBytes: bytes.slice(layout.keysStart, layout.end),
    keyStarts,
    keyLengths,
    ruleIndexes: column(layout.ruleIndexesStart, items, (i) => layout.ruleOf(i)),
    costs: column(layout.costsStart, items, (i) => layout.costOf(i)),
    sizes: column(layout.sizesStart, calls, (i) => layout.sizeOf(i)),
    verbs: layout.verbsStart === 0 ? null : bytes.slice(layout.verbsStart, layout.verbsStart + calls),
    ttlsMs: layout.ttlsStart === 0 ? null : Float64Array.from({ length: items }, (_, i) => layout.ttlMsOf(i)),
    handles: layout.handlesStart === 0 ? null : Float64Array.from({ length: items }, (_, i) => layout.handleOf(i)),
  };
}
