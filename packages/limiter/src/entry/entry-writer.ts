import { checkBounds } from "../bounds.ts";
import type { CallBatch } from "../call-batch.ts";
import type { CallOrigin, EntryWriter, Operation } from "../entry.ts";
import { MAX_NAMESPACE_BYTES, MAX_POLICY_BYTES } from "../keys/quota-rule.ts";
import type { Bounds, SessionId } from "../limiter.ts";
import { type AdminRequest, readAdminRequest } from "../policies/admin-change.ts";
import { canonicalJson, type Json } from "../policies/canonical.ts";
import { between } from "./byte-reader.ts";
import { ByteWriter, putU32 } from "./byte-writer.ts";
import { checkRule, checkVerb } from "./calls-layout.ts";
import { EntryError } from "./entry-error.ts";
import {
  Column,
  FLAG_TAKEOVER,
  FORMAT_VERSION,
  FSM_VERSION,
  HEADER_BYTES,
  MAX_INT32,
  MAX_ITEMS,
  MAX_KEY_BYTES,
  MAX_NAME_BYTES,
  MAX_RULES,
  MAX_STAMP_US,
  MAX_TTL_MS,
  MAX_U32,
  NONCE_BYTES,
  OPERATION_HEADER_BYTES,
  OriginTag,
  Tag,
} from "./format.ts";
import { decodeOperation } from "./read-entry.ts";
import { createUtf8Cache, encodeUtf8 } from "./utf8.ts";

/**
 * Makes a writer; it may be used for one entry after another. It refuses what `apply` would refuse, because an entry
 * that cannot be applied would stop every node.
 */
export function createEntryWriter(): EntryWriter {
  return new Writer();
}

/** One operation as it stands inside an entry: tag, length and body. @throws {EntryError} when a value is out of bounds. */
export function encodeOperation(operation: Operation): Uint8Array {
  const writer = new Writer();
  writer.begin({ takeover: false });
  writeOperation(writer, operation);
  return writer.finish(0).slice(HEADER_BYTES);
}

/** Adds one decoded operation to the entry that `writer` has begun; returns its position. @throws {EntryError} when a value is out of bounds. */
export function writeOperation(writer: EntryWriter, operation: Operation): number {
  switch (operation.kind) {
    case "calls":
      return writer.calls(operation.origin, operation.batch, 0, operation.batch.calls);
    case "register":
      return writer.register(operation.nonce, operation.helloStampUs, operation.namespace);
    case "renew":
      return writer.renew(operation.session, operation.nonce, operation.ackedThrough);
    case "goodbye":
      return writer.goodbye(operation.session, operation.nonce);
    case "bounds":
      return writer.bounds(operation.bounds);
    case "administer":
      return writer.administer(operation.request);
  }
}

class Writer implements EntryWriter {
  readonly #out = new ByteWriter(4096);
  readonly #namespaceBytes = createUtf8Cache();
  readonly #policyBytes = createUtf8Cache();
  readonly #nameBytes = createUtf8Cache();
  #operations = 0;
  #items = 0;

  constructor() {
    this.begin({ takeover: false });
  }

  get bytes(): number {
    return this.#out.at;
  }

  get operations(): number {
    return this.#operations;
  }

  get items(): number {
    return this.#items;
  }

  begin(options: { readonly takeover: boolean }): void {
    const out = this.#out;
    out.at = 0;
    out.u8(FORMAT_VERSION);
    out.u8(options.takeover ? FLAG_TAKEOVER : 0);
    out.u16(FSM_VERSION);
    out.u64(0);
    this.#operations = 0;
    this.#items = 0;
  }

  finish(stampUs: number): Uint8Array {
    integer(stampUs, "stampUs", 0, MAX_STAMP_US);
    const entry = this.#out.bytes.slice(0, this.#out.at);
    putU32(entry, 4, stampUs % 4294967296);
    putU32(entry, 8, Math.floor(stampUs / 4294967296));
    return entry;
  }

  register(nonce: Uint8Array, helloStampUs: number, namespace: string): number {
    return this.#write(Tag.register, (out) => {
      writeNonce(out, nonce);
      out.u64(integer(helloStampUs, "helloStampUs", 0, Number.MAX_SAFE_INTEGER));
      this.#writeNamespace(namespace);
    });
  }

  renew(session: SessionId, nonce: Uint8Array, ackedThrough: number): number {
    return this.#write(Tag.renew, (out) => {
      writeSession(out, session, nonce);
      out.u64(integer(ackedThrough, "ackedThrough", 0, Number.MAX_SAFE_INTEGER));
    });
  }

  goodbye(session: SessionId, nonce: Uint8Array): number {
    return this.#write(Tag.goodbye, (out) => writeSession(out, session, nonce));
  }

  bounds(bounds: Bounds): number {
    const problem = checkBounds(bounds);
    if (problem !== null) throw new EntryError(problem);
    return this.#write(Tag.bounds, (out) => {
      out.u64(bounds.maxKeys);
      out.u64(bounds.maxSessions);
      out.u64(bounds.maxResultsPerSession);
      out.u64(bounds.sessionTtlUs);
      out.u64(bounds.maxRequestIds);
      out.u64(bounds.requestIdTtlUs);
      out.u64(bounds.maxHolds);
      out.u64(bounds.maxHoldsPerSession);
    });
  }

  administer(request: AdminRequest): number {
    const json = encodeUtf8(canonicalJson(readAdminRequest(request) as unknown as Json));
    return this.#write(Tag.administer, (out) => out.copy(json, 0, json.length));
  }

  operation(bytes: Uint8Array): number {
    const decoded = decodeOperation(bytes);
    this.#out.copy(bytes, 0, bytes.length);
    if (decoded.kind === "calls") this.#items += decoded.batch.items;
    return this.#operations++;
  }

  calls(origin: CallOrigin, batch: CallBatch, fromCall: number, toCall: number): number {
    integer(toCall, "toCall", 1, batch.calls);
    integer(fromCall, "fromCall", 0, toCall - 1);
    const fromItem = itemsBefore(batch, 0, fromCall);
    const toItem = fromItem + itemsBefore(batch, fromCall, toCall);
    integer(toItem, "items", fromItem + 1, Math.min(batch.items, fromItem + MAX_ITEMS));
    const calls = toCall - fromCall;
    if (origin.kind === "request" && calls !== 1) {
      throw new EntryError(`calls is ${calls}; under a request id it must be 1`);
    }
    const position = this.#write(Tag.calls, (out) => {
      this.#writeOrigin(out, origin);
      out.u64(firstNumber(origin, batch, fromCall, calls));
      out.u32(calls);
      out.u32(toItem - fromItem);
      out.u16(integer(batch.rules.length, "rules", 1, MAX_RULES));
      const grouped = batch.sizes !== null && toItem - fromItem !== calls;
      out.u8(
        (batch.ruleIndexes === null ? 0 : Column.ruleIndexes) |
          (batch.costs === null ? 0 : Column.costs) |
          (grouped ? Column.sizes : 0) |
          (batch.verbs === null ? 0 : Column.verbs) |
          (batch.ttlsMs === null ? 0 : Column.ttlsMs) |
          (batch.handles === null ? 0 : Column.handles),
      );
      this.#writeRules(out, batch);
      if (grouped) for (let i = fromCall; i < toCall; i++) out.u32(batch.sizes![i]!);
      writeItems(out, batch, fromItem, toItem, fromCall, toCall);
    });
    this.#items += toItem - fromItem;
    return position;
  }

  /** Writes tag, length and body; if the body is refused, the entry is as it was before. */
  #write(tag: number, body: (out: ByteWriter) => void): number {
    const out = this.#out;
    const start = out.at;
    out.u8(tag);
    out.u32(0);
    try {
      body(out);
    } catch (error) {
      out.at = start;
      throw error;
    }
    putU32(out.bytes, start + 1, out.at - start - OPERATION_HEADER_BYTES);
    return this.#operations++;
  }

  #writeNamespace(namespace: string): void {
    this.#out.name(checkedName(this.#namespaceBytes(namespace), "namespace", MAX_NAMESPACE_BYTES));
  }

  #writeOrigin(out: ByteWriter, origin: CallOrigin): void {
    if (origin.kind === "session") {
      out.u8(OriginTag.session);
      writeSession(out, origin.session, origin.nonce);
      out.u64(integer(origin.ackedThrough, "ackedThrough", 0, Number.MAX_SAFE_INTEGER));
      return;
    }
    out.u8(origin.kind === "request" ? OriginTag.request : OriginTag.anonymous);
    this.#writeNamespace(origin.namespace);
    if (origin.kind === "request") {
      out.name(checkedName(this.#nameBytes(origin.identity), "identity", MAX_NAME_BYTES));
      out.name(checkedName(this.#nameBytes(origin.requestId), "request id", MAX_NAME_BYTES));
    }
  }

  #writeRules(out: ByteWriter, batch: CallBatch): void {
    for (const rule of batch.rules) {
      for (const field of ["limit", "windowUs", "burst"] as const)
        integer(rule[field], field, 0, Number.MAX_SAFE_INTEGER);
      const name = checkedName(this.#policyBytes(rule.policy), "policy", MAX_POLICY_BYTES);
      checkRule(rule.algorithm, rule.limit, rule.windowUs, rule.burst, name.length);
      out.u8(rule.algorithm);
      out.u32(rule.limit);
      out.u64(rule.windowUs);
      out.u32(rule.burst);
      out.name(name);
    }
  }
}

function writeItems(
  out: ByteWriter,
  batch: CallBatch,
  fromItem: number,
  toItem: number,
  fromCall: number,
  toCall: number,
): void {
  const { ruleIndexes, costs, keyLengths, keyStarts, keyBytes } = batch;
  if (ruleIndexes !== null) {
    for (let i = fromItem; i < toItem; i++) out.u16(between(ruleIndexes[i]!, "rule index", 0, batch.rules.length - 1));
  }
  if (costs !== null) for (let i = fromItem; i < toItem; i++) out.u32(between(costs[i]!, "cost", 1, MAX_INT32));
  if (batch.verbs !== null || batch.ttlsMs !== null || batch.handles !== null) {
    writeVerbs(out, batch, fromItem, toItem, fromCall, toCall);
  }
  for (let i = fromItem; i < toItem; i++) out.u16(between(keyLengths[i]!, "key length", 1, MAX_KEY_BYTES));
  for (let i = fromItem; i < toItem; i++) {
    const start = keyStarts[i]!;
    if (!(start + keyLengths[i]! <= keyBytes.length)) {
      throw new EntryError(
        `key ${i} starts at ${start} and has ${keyLengths[i]} bytes; all keys have ${keyBytes.length}`,
      );
    }
    out.copy(keyBytes, start, keyLengths[i]!);
  }
}

function writeVerbs(
  out: ByteWriter,
  batch: CallBatch,
  fromItem: number,
  toItem: number,
  fromCall: number,
  toCall: number,
): void {
  const { verbs, ttlsMs, handles, sizes } = batch;
  let item = fromItem;
  for (let call = fromCall; call < toCall; call++) {
    const size = sizes === null ? 1 : sizes[call]!;
    for (const end = item + size; item < end; item++) {
      const ttlMs = ttlsMs === null ? 0 : integer(ttlsMs[item]!, "ttlMs", 0, MAX_TTL_MS);
      const handle = handles === null ? 0 : integer(handles[item]!, "handle", 0, Number.MAX_SAFE_INTEGER);
      checkVerb(verbs === null ? 0 : verbs[call]!, size, ttlMs, handle);
    }
  }
  if (verbs !== null) out.copy(verbs, fromCall, toCall - fromCall);
  if (ttlsMs !== null) for (let i = fromItem; i < toItem; i++) out.u64(ttlsMs[i]!);
  if (handles !== null) for (let i = fromItem; i < toItem; i++) out.u64(handles[i]!);
}

function itemsBefore(batch: CallBatch, fromCall: number, toCall: number): number {
  if (batch.sizes === null) return toCall - fromCall;
  let items = 0;
  for (let i = fromCall; i < toCall; i++) items += between(batch.sizes[i]!, "size", 1, batch.items);
  return items;
}

function firstNumber(origin: CallOrigin, batch: CallBatch, fromCall: number, calls: number): number {
  if (origin.kind !== "session") return 0;
  return integer(batch.firstNumber, "firstNumber", 1, Number.MAX_SAFE_INTEGER - calls - fromCall) + fromCall;
}

function writeNonce(out: ByteWriter, nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) {
    throw new EntryError(`the nonce has ${nonce.length} bytes; it must have ${NONCE_BYTES}`);
  }
  out.copy(nonce, 0, NONCE_BYTES);
}

function writeSession(out: ByteWriter, session: SessionId, nonce: Uint8Array): void {
  out.u64(integer(session.index, "session index", 0, Number.MAX_SAFE_INTEGER));
  out.u32(integer(session.position, "session position", 0, MAX_U32));
  writeNonce(out, nonce);
}

function checkedName(bytes: Uint8Array, field: string, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw new EntryError(`${field} has ${bytes.length} bytes; it may have ${maxBytes}`);
  return bytes;
}

function integer(value: number, field: string, least: number, most: number): number {
  if (!Number.isInteger(value)) throw new EntryError(`${field} is ${value}; it must be an integer`);
  return between(value, field, least, most);
}
