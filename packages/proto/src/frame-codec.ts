import { CodecError, MAX_FRAME_ITEMS, MAX_KEY_BYTES } from "./codec-error.ts";
import { isUtf8, readUtf8, utf8Length } from "./utf8.ts";
import { expectWireType, WireReader, WireType } from "./wire-reader.ts";
import { varintLength, WireWriter } from "./wire-writer.ts";

/** A rule as it stands on the wire: numbers are integers in the range of their type, and nothing else is checked. */
export interface WireRule {
  readonly limit: number;
  readonly windowUs: number;
  /** `quorumguard.v1.Algorithm`; 0: the default. */
  readonly algorithm: number;
  readonly burst: number;
  readonly policy: string;
}

/** Consecutive calls to be sent, in columns. Keys are 1 to 512 bytes of UTF-8, at most 1,024 of them. */
export interface FrameColumns {
  readonly firstNumber: number;
  readonly ackedThrough: number;
  readonly firstAttempt: boolean;
  readonly deadlineMs: number;
  readonly rules: readonly WireRule[];
  readonly keys: readonly string[];
  /** One per key, an index into `rules`; null: all use rule 0. */
  readonly ruleIndexes: ArrayLike<number> | null;
  /** One per key; null: all cost 1. */
  readonly costs: ArrayLike<number> | null;
  /** Keys per call; null: one each. */
  readonly sizes: ArrayLike<number> | null;
  /** One per call, numbers as the .proto has them; null: all take. */
  readonly verbs: ArrayLike<number> | null;
  /** One per key; null: all 0. */
  readonly ttlsMs: ArrayLike<number> | null;
  /** One per key; null: all 0. */
  readonly handles: ArrayLike<number> | null;
}

/**
 * A frame as it was received. Columns agree with each other: as many rule indexes and costs as items, sizes that add
 * up to the items, as many verbs as calls, indexes below `rules.length`, costs from 1 to 2^31-1, verbs up to 255, keys of
 * 1 to 512 bytes of UTF-8. Once rules and verbs are checked it is the limiter's CallBatch. `keyBytes` is the received message itself, not a copy.
 */
export interface ReceivedFrame {
  readonly firstNumber: number;
  readonly ackedThrough: number;
  readonly firstAttempt: boolean;
  readonly deadlineMs: number;
  readonly calls: number;
  readonly items: number;
  readonly rules: readonly WireRule[];
  readonly keyBytes: Uint8Array;
  readonly keyStarts: Uint32Array;
  readonly keyLengths: Uint32Array;
  readonly ruleIndexes: Uint32Array | null;
  readonly costs: Uint32Array | null;
  readonly sizes: Uint32Array | null;
  readonly verbs: Uint8Array | null;
  readonly ttlsMs: Float64Array | null;
  readonly handles: Float64Array | null;
}

let writer: WireWriter | undefined;

/**
 * One SessionRequest with a frame, byte for byte what the generated code would write.
 * @throws {CodecError} when columns do not agree, or a key or the message is too long.
 */
export function encodeFrame(columns: FrameColumns): Uint8Array {
  const { keys, ruleIndexes, costs, sizes, verbs, ttlsMs, handles } = columns;
  const items = keys.length;
  if (items === 0 || items > MAX_FRAME_ITEMS) {
    throw new CodecError("keys", `keys: ${items} items; a frame holds 1 to ${MAX_FRAME_ITEMS}`);
  }
  expectLength("rule_indexes", ruleIndexes, items);
  expectLength("costs", costs, items);
  expectLength("verbs", verbs, sizes === null ? items : sizes.length, "calls");
  expectLength("ttls_ms", ttlsMs, items);
  expectLength("handles", handles, items);
  writer ??= new WireWriter();
  writer.begin();
  writer.number(0x08, "first_number", columns.firstNumber);
  writer.number(0x10, "acked_through", columns.ackedThrough);
  writer.number(0x18, "first_attempt", columns.firstAttempt ? 1 : 0);
  for (const rule of columns.rules) writeRule(writer, rule);
  for (const key of keys) writer.string(0x2a, key);
  if (ruleIndexes !== null) writer.column(0x32, "rule_indexes", ruleIndexes, 0, items);
  if (costs !== null) writer.column(0x3a, "costs", costs, 0, items);
  if (sizes !== null) writer.column(0x42, "sizes", sizes, 0, sizes.length);
  writer.number(0x48, "deadline_ms", columns.deadlineMs);
  if (verbs !== null) writer.column(0x52, "verbs", verbs, 0, verbs.length);
  if (ttlsMs !== null) writer.column(0x5a, "ttls_ms", ttlsMs, 0, items);
  if (handles !== null) writer.column(0x62, "handles", handles, 0, items);
  return writer.finish(0x0a);
}

function writeRule(into: WireWriter, rule: WireRule): void {
  const nameBytes = utf8Length(rule.policy);
  into.message(
    0x22,
    fieldLength(rule.limit) +
      fieldLength(rule.windowUs) +
      fieldLength(rule.algorithm) +
      fieldLength(rule.burst) +
      (nameBytes === 0 ? 0 : 1 + varintLength(nameBytes) + nameBytes),
  );
  into.number(0x08, "limit", rule.limit);
  into.number(0x10, "window_us", rule.windowUs);
  into.number(0x18, "algorithm", rule.algorithm);
  into.number(0x20, "burst", rule.burst);
  if (nameBytes !== 0) into.string(0x2a, rule.policy);
}

function fieldLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

function expectLength(field: string, column: ArrayLike<number> | null, items: number, of = "items"): void {
  if (column === null || column.length === items) return;
  throw new CodecError(field, `${field}: ${column.length} values for ${items} ${of}`);
}

/** Columns of the frame being read. Reused: a decoded frame gets copies of what it needs. */
interface Scratch {
  readonly keyStarts: Uint32Array;
  readonly keyLengths: Uint32Array;
  readonly ruleIndexes: Float64Array;
  readonly costs: Float64Array;
  readonly sizes: Float64Array;
  readonly verbs: Float64Array;
  readonly ttlsMs: Float64Array;
  readonly handles: Float64Array;
}

let scratch: Scratch | undefined;

function frameScratch(): Scratch {
  scratch ??= {
    keyStarts: new Uint32Array(MAX_FRAME_ITEMS),
    keyLengths: new Uint32Array(MAX_FRAME_ITEMS),
    ruleIndexes: new Float64Array(MAX_FRAME_ITEMS),
    costs: new Float64Array(MAX_FRAME_ITEMS),
    sizes: new Float64Array(MAX_FRAME_ITEMS),
    verbs: new Float64Array(MAX_FRAME_ITEMS),
    ttlsMs: new Float64Array(MAX_FRAME_ITEMS),
    handles: new Float64Array(MAX_FRAME_ITEMS),
  };
  return scratch;
}

/**
 * The frame whose body is `[from, to)` of `bytes`.
 * @throws {CodecError} when it is malformed, or out of the bounds that {@link ReceivedFrame} promises.
 */
export function decodeFrameBody(bytes: Uint8Array, from: number, to: number): ReceivedFrame {
  const reader = new WireReader(bytes, from, to);
  const columns = frameScratch();
  const rules: WireRule[] = [];
  let firstNumber = 0;
  let ackedThrough = 0;
  let firstAttempt = false;
  let deadlineMs = 0;
  let items = 0;
  let indexes = 0;
  let costs = 0;
  let sizes = 0;
  let verbs = 0;
  let ttls = 0;
  let handles = 0;
  while (reader.at < reader.end) {
    const tag = reader.tag();
    const wireType = tag & 7;
    const field = (tag - wireType) / 8;
    if (field === 5) items = readKey(reader, wireType, columns, items);
    else if (field === 1) firstNumber = scalar(reader, "first_number", wireType);
    else if (field === 2) ackedThrough = scalar(reader, "acked_through", wireType);
    else if (field === 3) firstAttempt = scalar(reader, "first_attempt", wireType) !== 0;
    else if (field === 4) readRule(reader, wireType, rules);
    else if (field === 6) indexes = reader.column("rule_indexes", wireType, columns.ruleIndexes, indexes);
    else if (field === 7) costs = reader.column("costs", wireType, columns.costs, costs);
    else if (field === 8) sizes = reader.column("sizes", wireType, columns.sizes, sizes);
    else if (field === 9) deadlineMs = scalar(reader, "deadline_ms", wireType, 0xffff_ffff);
    else if (field === 10) verbs = reader.column("verbs", wireType, columns.verbs, verbs);
    else if (field === 11) ttls = reader.column("ttls_ms", wireType, columns.ttlsMs, ttls);
    else if (field === 12) handles = reader.column("handles", wireType, columns.handles, handles);
    else if (field === 0) throw new CodecError("tag", "tag: field number 0 does not exist");
    else reader.skip(wireType);
  }
  checkColumns(columns, items, rules.length, indexes, costs, sizes);
  if (verbs + ttls + handles !== 0) {
    expectCount("verbs", verbs, sizes === 0 ? items : sizes, "calls");
    expectCount("ttls_ms", ttls, items);
    expectCount("handles", handles, items);
    for (let i = 0; i < verbs; i++) {
      if (columns.verbs[i]! > 255)
        throw new CodecError("verbs", `verbs[${i}]: ${columns.verbs[i]}; the last verb is 6`);
    }
  }
  return {
    firstNumber,
    ackedThrough,
    firstAttempt,
    deadlineMs,
    calls: sizes === 0 ? items : sizes,
    items,
    rules,
    keyBytes: bytes,
    keyStarts: columns.keyStarts.slice(0, items),
    keyLengths: columns.keyLengths.slice(0, items),
    ruleIndexes: indexes === 0 ? null : Uint32Array.from(columns.ruleIndexes.subarray(0, indexes)),
    costs: costs === 0 ? null : Uint32Array.from(columns.costs.subarray(0, costs)),
    sizes: sizes === 0 ? null : Uint32Array.from(columns.sizes.subarray(0, sizes)),
    verbs: verbs === 0 ? null : Uint8Array.from(columns.verbs.subarray(0, verbs)),
    ttlsMs: ttls === 0 ? null : columns.ttlsMs.slice(0, ttls),
    handles: handles === 0 ? null : columns.handles.slice(0, handles),
  };
}

function expectCount(field: string, count: number, wanted: number, of = "items"): void {
  if (count === 0 || count === wanted) return;
  throw new CodecError(field, `${field}: ${count} values for ${wanted} ${of}`);
}

function scalar(reader: WireReader, field: string, wireType: number, max = Number.MAX_SAFE_INTEGER): number {
  expectWireType(field, wireType, WireType.varint);
  const value = reader.varint(field);
  if (value > max) throw new CodecError(field, `${field}: ${value} is above ${max}`);
  return value;
}

function readKey(reader: WireReader, wireType: number, columns: Scratch, items: number): number {
  expectWireType("keys", wireType, WireType.length);
  if (items >= MAX_FRAME_ITEMS) {
    throw new CodecError("keys", `keys: more than ${MAX_FRAME_ITEMS} items; split the frame`);
  }
  const end = reader.lengthEnd("keys");
  const length = end - reader.at;
  if (length === 0 || length > MAX_KEY_BYTES) {
    throw new CodecError("keys", `keys[${items}]: ${length} bytes; a key has 1 to ${MAX_KEY_BYTES}`);
  }
  if (!isUtf8(reader.bytes, reader.at, end)) throw new CodecError("keys", `keys[${items}]: not UTF-8`);
  columns.keyStarts[items] = reader.at;
  columns.keyLengths[items] = length;
  reader.at = end;
  return items + 1;
}

function readRule(outer: WireReader, wireType: number, into: WireRule[]): void {
  expectWireType("rules", wireType, WireType.length);
  if (into.length >= MAX_FRAME_ITEMS) throw new CodecError("rules", `rules: more than ${MAX_FRAME_ITEMS}`);
  const end = outer.lengthEnd("rules");
  const reader = new WireReader(outer.bytes, outer.at, end);
  let limit = 0;
  let windowUs = 0;
  let algorithm = 0;
  let burst = 0;
  let policy = "";
  while (reader.at < end) {
    const tag = reader.tag();
    const type = tag & 7;
    const field = (tag - type) / 8;
    if (field === 1) limit = scalar(reader, "rules.limit", type, 0xffff_ffff);
    else if (field === 2) windowUs = scalar(reader, "rules.window_us", type);
    else if (field === 3) algorithm = scalar(reader, "rules.algorithm", type, 0x7fff_ffff);
    else if (field === 4) burst = scalar(reader, "rules.burst", type, 0xffff_ffff);
    else if (field === 5) policy = readName(reader, type);
    else if (field === 0) throw new CodecError("tag", "tag: field number 0 does not exist");
    else reader.skip(type);
  }
  into.push({ limit, windowUs, algorithm, burst, policy });
  outer.at = end;
}

function readName(reader: WireReader, wireType: number): string {
  expectWireType("rules.policy", wireType, WireType.length);
  const end = reader.lengthEnd("rules.policy");
  if (end - reader.at > MAX_KEY_BYTES) {
    throw new CodecError("rules.policy", `rules.policy: ${end - reader.at} bytes; a name has at most 128`);
  }
  if (!isUtf8(reader.bytes, reader.at, end)) throw new CodecError("rules.policy", "rules.policy: not UTF-8");
  const name = readUtf8(reader.bytes, reader.at, end);
  reader.at = end;
  return name;
}

function checkColumns(
  columns: Scratch,
  items: number,
  rules: number,
  indexes: number,
  costs: number,
  sizes: number,
): void {
  if (items === 0) throw new CodecError("keys", "keys: a frame without calls");
  if (rules === 0) throw new CodecError("rules", "rules: a frame without rules");
  if (indexes !== 0 && indexes !== items) {
    throw new CodecError("rule_indexes", `rule_indexes: ${indexes} values for ${items} items`);
  }
  if (costs !== 0 && costs !== items) throw new CodecError("costs", `costs: ${costs} values for ${items} items`);
  for (let i = 0; i < indexes; i++) {
    if (columns.ruleIndexes[i]! >= rules) {
      throw new CodecError(
        "rule_indexes",
        `rule_indexes[${i}]: ${columns.ruleIndexes[i]}, but there are ${rules} rules`,
      );
    }
  }
  for (let i = 0; i < costs; i++) {
    const cost = columns.costs[i]!;
    if (cost < 1 || cost > 0x7fff_ffff) {
      throw new CodecError("costs", `costs[${i}]: ${cost}; a cost is 1 to 2147483647`);
    }
  }
  let sum = 0;
  for (let i = 0; i < sizes; i++) {
    const size = columns.sizes[i]!;
    if (size < 1) throw new CodecError("sizes", `sizes[${i}]: 0; a call has at least one item`);
    sum += size;
  }
  if (sizes !== 0 && sum !== items)
    throw new CodecError("sizes", `sizes: they add up to ${sum}, but there are ${items} items`);
}
