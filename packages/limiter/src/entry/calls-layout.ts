import { algorithmOf } from "../algorithms/registry.ts";
import { MAX_NAMESPACE_BYTES, MAX_POLICY_BYTES } from "../keys/quota-rule.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { endsHold, LAST_VERB, opensHold, Verb } from "../verb.ts";
import { type ByteReader, between, u16At, u32At, u64At } from "./byte-reader.ts";
import { EntryError } from "./entry-error.ts";
import {
  ALL_COLUMNS,
  Column,
  MAX_INT32,
  MAX_ITEMS,
  MAX_KEY_BYTES,
  MAX_NAME_BYTES,
  MAX_RULES,
  MAX_TTL_MS,
  MAX_WINDOW_US,
  MIN_WINDOW_US,
  NONCE_BYTES,
  OriginTag,
  RULE_FIXED_BYTES,
} from "./format.ts";
import { textOf } from "./utf8.ts";

/**
 * Where everything is in the body of a calls operation, after all of it was checked: what apply, the reader and the
 * check of a forwarded operation share. Reused, so that decoding a frame allocates nothing that grows with it.
 */
export class CallsLayout {
  bytes: Uint8Array = new Uint8Array(0);
  origin: number = OriginTag.anonymous;
  sessionIndex = 0;
  sessionPosition = 0;
  nonceStart = 0;
  ackedThrough = 0;
  namespaceStart = 0;
  namespaceLength = 0;
  identityStart = 0;
  identityLength = 0;
  requestIdStart = 0;
  requestIdLength = 0;
  firstNumber = 0;
  calls = 0;
  items = 0;
  rules = 0;
  /** Whether a rule is the name of a policy alone. */
  hasNamesAlone = false;
  /** Offset of rule `i`; the one after the last is where the columns begin. */
  ruleStarts = new Uint32Array(8);
  /** Offsets of the columns; 0: absent. */
  sizesStart = 0;
  ruleIndexesStart = 0;
  costsStart = 0;
  verbsStart = 0;
  ttlsStart = 0;
  handlesStart = 0;
  keyLengthsStart = 0;
  keysStart = 0;
  /** Everything that makes the call what it is lies in `[contentStart, end)`: rules, columns and keys. */
  contentStart = 0;
  end = 0;

  sizeOf(call: number): number {
    return this.sizesStart === 0 ? 1 : u32At(this.bytes, this.sizesStart + call * 4);
  }

  ruleOf(item: number): number {
    return this.ruleIndexesStart === 0 ? 0 : u16At(this.bytes, this.ruleIndexesStart + item * 2);
  }

  /** Rule `i` as its caller gave it; null when its name is not text, so that nobody can have meant it. */
  rule(i: number): Rule | null {
    const { bytes } = this;
    const at = this.ruleStarts[i]!;
    const policy = textOf(bytes, at + RULE_FIXED_BYTES + 2, u16At(bytes, at + RULE_FIXED_BYTES));
    if (policy === null) return null;
    const algorithm = bytes[at] as Algorithm;
    const [limit, windowUs, burst] = [u32At(bytes, at + 1), u64At(bytes, at + 5), u32At(bytes, at + 13)];
    return { algorithm, limit, windowUs, burst, policy };
  }

  costOf(item: number): number {
    return this.costsStart === 0 ? 1 : u32At(this.bytes, this.costsStart + item * 4);
  }

  verbOf(call: number): number {
    return this.verbsStart === 0 ? Verb.take : this.bytes[this.verbsStart + call]!;
  }

  ttlMsOf(item: number): number {
    return this.ttlsStart === 0 ? 0 : u64At(this.bytes, this.ttlsStart + item * 8);
  }

  handleOf(item: number): number {
    return this.handlesStart === 0 ? 0 : u64At(this.bytes, this.handlesStart + item * 8);
  }

  keyLengthOf(item: number): number {
    return u16At(this.bytes, this.keyLengthsStart + item * 2);
  }

  /** Reads and checks a whole body. @throws {EntryError} naming field, value and bound. */
  read(reader: ByteReader): void {
    this.bytes = reader.bytes;
    this.end = reader.end;
    this.#readOrigin(reader);
    this.firstNumber = reader.u64("firstNumber");
    this.contentStart = reader.at;
    this.calls = between(reader.u32("calls"), "calls", 1, MAX_ITEMS);
    this.items = between(reader.u32("items"), "items", this.calls, MAX_ITEMS);
    this.rules = between(reader.u16("rules"), "rules", 1, MAX_RULES);
    const columns = between(reader.u8("columns"), "columns", 0, ALL_COLUMNS);
    this.#checkNumbers();
    this.#readRules(reader);
    this.sizesStart = columns & Column.sizes ? reader.skip(this.calls * 4, "sizes") : 0;
    this.ruleIndexesStart = columns & Column.ruleIndexes ? reader.skip(this.items * 2, "rule indexes") : 0;
    this.costsStart = columns & Column.costs ? reader.skip(this.items * 4, "costs") : 0;
    this.verbsStart = columns & Column.verbs ? reader.skip(this.calls, "verbs") : 0;
    this.ttlsStart = columns & Column.ttlsMs ? reader.skip(this.items * 8, "ttls") : 0;
    this.handlesStart = columns & Column.handles ? reader.skip(this.items * 8, "handles") : 0;
    this.keyLengthsStart = reader.skip(this.items * 2, "key lengths");
    this.keysStart = reader.at;
    this.#checkColumns(reader);
    reader.finish("calls");
  }

  #readOrigin(reader: ByteReader): void {
    this.origin = between(reader.u8("origin"), "origin", 0, 2);
    this.namespaceLength = 0;
    if (this.origin === OriginTag.session) {
      this.sessionIndex = reader.u64("session index");
      this.sessionPosition = reader.u32("session position");
      this.nonceStart = reader.skip(NONCE_BYTES, "nonce");
      this.ackedThrough = reader.u64("ackedThrough");
      return;
    }
    const namespace = reader.name("namespace", MAX_NAMESPACE_BYTES);
    this.namespaceStart = namespace.start;
    this.namespaceLength = namespace.length;
    if (this.origin === OriginTag.request) {
      const identity = reader.name("identity", MAX_NAME_BYTES);
      this.identityStart = identity.start;
      this.identityLength = identity.length;
      const requestId = reader.name("request id", MAX_NAME_BYTES);
      this.requestIdStart = requestId.start;
      this.requestIdLength = requestId.length;
    }
  }

  #checkNumbers(): void {
    if (this.origin === OriginTag.session) {
      between(this.firstNumber, "firstNumber", 1, Number.MAX_SAFE_INTEGER - this.calls);
    } else if (this.firstNumber !== 0) {
      throw new EntryError(`firstNumber is ${this.firstNumber}; outside a session it must be 0`);
    }
    if (this.origin === OriginTag.request && this.calls !== 1) {
      throw new EntryError(`calls is ${this.calls}; under a request id it must be 1`);
    }
  }

  #readRules(reader: ByteReader): void {
    this.hasNamesAlone = false;
    if (this.ruleStarts.length < this.rules) this.ruleStarts = new Uint32Array(this.rules * 2);
    for (let i = 0; i < this.rules; i++) {
      const at = reader.skip(RULE_FIXED_BYTES, "rule");
      this.ruleStarts[i] = at;
      const algorithm = reader.bytes[at]!;
      const limit = u32At(reader.bytes, at + 1);
      const burst = u32At(reader.bytes, at + 13);
      const windowUs = u64At(reader.bytes, at + 5);
      const name = reader.name("policy", MAX_POLICY_BYTES);
      checkRule(algorithm, limit, windowUs, burst, name.length);
      if (windowUs === 0) this.hasNamesAlone = true;
    }
  }

  #checkColumns(reader: ByteReader): void {
    if (this.sizesStart !== 0) {
      let sum = 0;
      for (let i = 0; i < this.calls; i++) sum += between(this.sizeOf(i), "size", 1, this.items);
      if (sum !== this.items) throw new EntryError(`sizes add up to ${sum}; items is ${this.items}`);
    } else if (this.items !== this.calls) {
      throw new EntryError(`items is ${this.items}; without sizes it must equal calls, ${this.calls}`);
    }
    if (this.ruleIndexesStart !== 0) {
      for (let i = 0; i < this.items; i++) between(this.ruleOf(i), "rule index", 0, this.rules - 1);
    }
    if (this.costsStart !== 0) {
      for (let i = 0; i < this.items; i++) between(this.costOf(i), "cost", 1, MAX_INT32);
    }
    if (this.verbsStart + this.ttlsStart + this.handlesStart !== 0) this.#checkVerbs();
    let keyBytes = 0;
    for (let i = 0; i < this.items; i++) {
      const length = this.keyLengthOf(i);
      if (length < 1 || length > MAX_KEY_BYTES) between(length, "key length", 1, MAX_KEY_BYTES);
      keyBytes += length;
    }
    reader.skip(keyBytes, "keys");
  }

  #checkVerbs(): void {
    let item = 0;
    for (let call = 0; call < this.calls; call++) {
      const size = this.sizeOf(call);
      for (const end = item + size; item < end; item++) {
        checkVerb(this.verbOf(call), size, this.ttlMsOf(item), this.handleOf(item));
      }
    }
  }
}

/** Holds an item's verb, and what belongs to it, to what `apply` takes. @throws {EntryError} naming field, value and bound. */
export function checkVerb(verb: number, size: number, ttlMs: number, handle: number): void {
  between(verb, "verb", 0, LAST_VERB);
  if (verb !== Verb.take && size !== 1) {
    throw new EntryError(`a call with verb ${verb} has ${size} items; only a take may have more than 1`);
  }
  between(ttlMs, "ttlMs", 0, opensHold(verb) ? MAX_TTL_MS : 0);
  if (endsHold(verb)) between(handle, "handle", 1, Number.MAX_SAFE_INTEGER);
  else between(handle, "handle", 0, 0);
}

/**
 * Holds a rule's numbers to what `apply` takes: all of them 0 for a name alone, whose numbers are the cluster's.
 * @throws {EntryError} naming field, value and bound.
 */
export function checkRule(algorithm: number, limit: number, windowUs: number, burst: number, nameLength: number): void {
  if (algorithmOf(algorithm) === undefined) {
    throw new EntryError(`algorithm is ${algorithm}; this version does not know it: upgrade this node`);
  }
  if (windowUs === 0 && limit === 0 && burst === 0 && nameLength > 0) return;
  between(limit, "limit", 0, MAX_INT32);
  between(windowUs, "windowUs", MIN_WINDOW_US, MAX_WINDOW_US);
  if (algorithm === Algorithm.tokenBucket) between(burst, "burst", 1, MAX_INT32);
  else between(burst, "burst", 0, 0);
}
