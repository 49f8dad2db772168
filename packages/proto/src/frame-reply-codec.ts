import { CodecError, MAX_FRAME_ITEMS } from "./codec-error.ts";
import { expectWireType, WireReader, WireType } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Results as the limiter leaves them; `retryAfterMs` is -1 for never. */
export interface ResultValues {
  readonly outcomes: ArrayLike<number>;
  readonly remaining: ArrayLike<number>;
  readonly resetAfterMs: ArrayLike<number>;
  readonly retryAfterMs: ArrayLike<number>;
  readonly firmForMs: ArrayLike<number>;
  readonly handles: ArrayLike<number>;
  readonly limits: ArrayLike<number>;
  readonly shadows: ArrayLike<number>;
}

/** One reply to be sent: the items `[fromItem, toItem)` of `results`, which settle `calls` calls, the first of them `firstNumber`. */
export interface FrameReplyColumns {
  readonly firstNumber: number;
  readonly calls: number;
  readonly index: number;
  /** The first log index that the decisions may not know to its end; absent: `index`. */
  readonly asOfIndex?: number;
  readonly stampUs: number;
  readonly policyVersion: number;
  /** `quorumguard.v1.Source`. */
  readonly source: number;
  readonly results: ResultValues;
  /** Whether a limit in force is another than the frame's rule had. */
  readonly tellLimits: boolean;
  readonly fromItem: number;
  readonly toItem: number;
  /** Lengths of what is settled and of what is not, in turns, if the calls are not in a row. */
  readonly runs?: readonly number[] | null;
}

/** A reply as it was received, its columns as long as `items` says. `retryAfterMs` is -1 for never. */
export interface ReceivedReply {
  readonly firstNumber: number;
  readonly calls: number;
  /** How far each call's number is from the first one's. Null: they are in a row. */
  readonly offsets: Uint32Array | null;
  readonly items: number;
  readonly index: number;
  /** The first log index that the decisions may not know to its end: a `Forget` of it or a later one undoes a denial. */
  readonly asOfIndex: number;
  readonly stampUs: number;
  readonly policyVersion: number;
  readonly source: number;
  readonly outcomes: Uint32Array;
  readonly remaining: Float64Array;
  readonly resetAfterMs: Float64Array;
  readonly retryAfterMs: Float64Array;
  readonly firmForMs: Float64Array;
  readonly handles: Float64Array;
  readonly shadows: Uint32Array;
  /** Null: as the frame's rules had them. */
  readonly limits: Float64Array | null;
}

/** `quorumguard.v1.Outcome.OUTCOME_ALLOWED`, the one outcome whose retry time goes without saying. */
const ALLOWED = 1;

let writer: WireWriter | undefined;

/**
 * One SessionResponse with a reply, byte for byte what the generated code would write.
 * @throws {CodecError} when a value does not fit its field.
 */
export function encodeFrameReply(columns: FrameReplyColumns): Uint8Array {
  const { results, fromItem, toItem } = columns;
  if (toItem - fromItem > MAX_FRAME_ITEMS) {
    throw new CodecError("outcomes", `outcomes: ${toItem - fromItem} items; a reply holds at most ${MAX_FRAME_ITEMS}`);
  }
  let allAllowed = true;
  let noneFirm = true;
  let noneHeld = true;
  let noneShadowed = true;
  for (let i = fromItem; i < toItem; i++) {
    if (results.outcomes[i] !== ALLOWED) allAllowed = false;
    if (results.firmForMs[i] !== 0) noneFirm = false;
    if (results.handles[i] !== 0) noneHeld = false;
    if (results.shadows[i] !== 0) noneShadowed = false;
  }
  writer ??= new WireWriter();
  writer.begin();
  writer.number(0x08, "first_number", columns.firstNumber);
  writer.number(0x10, "index", columns.index);
  writer.number(0x18, "stamp_us", columns.stampUs);
  writer.number(0x20, "policy_version", columns.policyVersion);
  writer.column(0x2a, "outcomes", results.outcomes, fromItem, toItem);
  writer.column(0x32, "remaining", results.remaining, fromItem, toItem);
  writer.column(0x3a, "reset_after_ms", results.resetAfterMs, fromItem, toItem);
  if (!allAllowed) writer.column(0x42, "retry_after_ms_plus_one", results.retryAfterMs, fromItem, toItem, 1);
  if (!noneFirm) writer.column(0x4a, "firm_for_ms", results.firmForMs, fromItem, toItem);
  writer.number(0x50, "calls", columns.calls);
  writer.number(0x58, "source", columns.source);
  if (!noneHeld) writer.column(0x62, "handles", results.handles, fromItem, toItem);
  if (!noneShadowed) writer.column(0x6a, "shadows", results.shadows, fromItem, toItem);
  if (columns.tellLimits) writer.column(0x72, "limits", results.limits, fromItem, toItem);
  const asOfIndex = columns.asOfIndex ?? columns.index;
  if (asOfIndex !== columns.index) writer.number(0x78, "as_of_index", asOfIndex);
  const { runs = null } = columns;
  if (runs !== null) writer.column(0x82, "runs", runs, 0, runs.length);
  return writer.finish(0x0a);
}

interface Scratch {
  readonly outcomes: Float64Array;
  readonly remaining: Float64Array;
  readonly resets: Float64Array;
  readonly retries: Float64Array;
  readonly firm: Float64Array;
  readonly handles: Float64Array;
  readonly shadows: Float64Array;
  readonly limits: Float64Array;
  readonly runs: Float64Array;
}

let scratch: Scratch | undefined;

function replyScratch(): Scratch {
  scratch ??= {
    outcomes: new Float64Array(MAX_FRAME_ITEMS),
    remaining: new Float64Array(MAX_FRAME_ITEMS),
    resets: new Float64Array(MAX_FRAME_ITEMS),
    retries: new Float64Array(MAX_FRAME_ITEMS),
    firm: new Float64Array(MAX_FRAME_ITEMS),
    handles: new Float64Array(MAX_FRAME_ITEMS),
    shadows: new Float64Array(MAX_FRAME_ITEMS),
    limits: new Float64Array(MAX_FRAME_ITEMS),
    runs: new Float64Array(2 * MAX_FRAME_ITEMS),
  };
  return scratch;
}

/**
 * The reply whose body is `[from, to)` of `bytes`.
 * @throws {CodecError} when it is malformed, or its columns do not agree.
 */
export function decodeFrameReplyBody(bytes: Uint8Array, from: number, to: number): ReceivedReply {
  const reader = new WireReader(bytes, from, to);
  const columns = replyScratch();
  /** By field number: scalars (1 to 4, 10, 11, 15) hold values, columns their counts. */
  const seen = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  while (reader.at < reader.end) {
    const tag = reader.tag();
    const wireType = tag & 7;
    const field = (tag - wireType) / 8;
    if (field === 5) seen[5] = reader.column("outcomes", wireType, columns.outcomes, seen[5]!);
    else if (field === 6) seen[6] = reader.column("remaining", wireType, columns.remaining, seen[6]!);
    else if (field === 7) seen[7] = reader.column("reset_after_ms", wireType, columns.resets, seen[7]!);
    else if (field === 8) seen[8] = reader.column("retry_after_ms_plus_one", wireType, columns.retries, seen[8]!);
    else if (field === 9) seen[9] = reader.column("firm_for_ms", wireType, columns.firm, seen[9]!);
    else if (field === 12) seen[12] = reader.column("handles", wireType, columns.handles, seen[12]!);
    else if (field === 13) seen[13] = reader.column("shadows", wireType, columns.shadows, seen[13]!);
    else if (field === 14) seen[14] = reader.column("limits", wireType, columns.limits, seen[14]!);
    else if (field === 16) seen[16] = reader.column("runs", wireType, columns.runs, seen[16]!);
    else if (field === 10 || field === 11) {
      expectWireType(field === 10 ? "calls" : "source", wireType, WireType.varint);
      seen[field] = reader.uint32(field === 10 ? "calls" : "source");
    } else if ((field >= 1 && field <= 4) || field === 15) {
      expectWireType(`reply field ${field}`, wireType, WireType.varint);
      seen[field] = reader.varint(`reply field ${field}`);
    } else if (field === 0) throw new CodecError("tag", "tag: field number 0 does not exist");
    else reader.skip(wireType);
  }
  const items = seen[5]!;
  expectColumn("remaining", seen[6]!, items, false);
  expectColumn("reset_after_ms", seen[7]!, items, false);
  expectColumn("retry_after_ms_plus_one", seen[8]!, items, true);
  expectColumn("firm_for_ms", seen[9]!, items, true);
  expectColumn("handles", seen[12]!, items, true);
  expectColumn("shadows", seen[13]!, items, true);
  expectColumn("limits", seen[14]!, items, true);
  const calls = seen[10]!;
  if (calls > items) throw new CodecError("calls", `calls: ${calls} calls, but only ${items} items`);
  const retryAfterMs = new Float64Array(items);
  if (seen[8]! > 0) for (let i = 0; i < items; i++) retryAfterMs[i] = columns.retries[i]! - 1;
  return {
    firstNumber: seen[1]!,
    calls,
    offsets: seen[16]! > 0 ? offsetsOf(columns.runs.subarray(0, seen[16]!), calls) : null,
    items,
    index: seen[2]!,
    asOfIndex: seen[15]! === 0 ? seen[2]! : seen[15]!,
    stampUs: seen[3]!,
    policyVersion: seen[4]!,
    source: seen[11]!,
    outcomes: Uint32Array.from(columns.outcomes.subarray(0, items)),
    remaining: columns.remaining.slice(0, items),
    resetAfterMs: columns.resets.slice(0, items),
    retryAfterMs,
    firmForMs: seen[9]! > 0 ? columns.firm.slice(0, items) : new Float64Array(items),
    handles: seen[12]! > 0 ? columns.handles.slice(0, items) : new Float64Array(items),
    shadows: seen[13]! > 0 ? Uint32Array.from(columns.shadows.subarray(0, items)) : new Uint32Array(items),
    limits: seen[14]! > 0 ? columns.limits.slice(0, items) : null,
  };
}

function expectColumn(field: string, count: number, items: number, mayBeEmpty: boolean): void {
  if (count === items || (mayBeEmpty && count === 0)) return;
  throw new CodecError(field, `${field}: ${count} values for ${items} items`);
}

/** @throws {CodecError} when the runs settle another number of calls than the reply says, or reach beyond one frame. */
function offsetsOf(runs: Float64Array, calls: number): Uint32Array {
  const offsets = new Uint32Array(calls);
  let settled = 0;
  let offset = 0;
  for (const [at, run] of runs.entries()) {
    if (offset + run > MAX_FRAME_ITEMS) {
      throw new CodecError("runs", `runs: they reach over more than ${MAX_FRAME_ITEMS} calls, the most of a frame`);
    }
    if (at % 2 === 0) {
      if (settled + run > calls)
        throw new CodecError("runs", `runs: they settle more than the ${calls} calls of the reply`);
      for (let i = 0; i < run; i++) offsets[settled++] = offset + i;
    }
    offset += run;
  }
  if (settled < calls) throw new CodecError("runs", `runs: they settle ${settled} of the ${calls} calls of the reply`);
  return offsets;
}
