import { decodeUtf8, encodeUtf8, textOf } from "../entry/utf8.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { BanDocument } from "../policies/documents.ts";
import { namePrefix } from "../policies/move-lineages.ts";
import { type BanIdentity, BanTable } from "./ban-table.ts";

/** A ban in force. */
export interface Ban {
  readonly policy: string;
  readonly key: string;
  readonly untilUs: number;
  /** Which one in a row it is, from 1: what its duration follows from. */
  readonly strikes: number;
}

/** How long the ban number `strike` (from 1) in a row lasts, in milliseconds. */
export function banDurationMs(ban: BanDocument, strike: number): number {
  const { durationsMs, factor = 1, maxDurationMs = Number.MAX_SAFE_INTEGER } = ban;
  if (strike <= durationsMs.length) return Math.min(durationsMs[strike - 1]!, maxDurationMs);
  let durationMs = durationsMs.at(-1)!;
  if (factor > 1) {
    for (let more = strike - durationsMs.length; more > 0 && durationMs < maxDurationMs; more--) durationMs *= factor;
  }
  return Math.min(durationMs, maxDurationMs);
}

/**
 * Who is shut out. A policy bans a key after so many denials within a window; the denials of a key that is banned already
 * are not counted, and a ban forgets the denials that led to it.
 */
export class Bans {
  readonly #table: BanTable;
  /** Denials that were not counted because the table was full. */
  uncounted = 0;
  /** Bans that began, since the first entry of the log. */
  begun = 0;

  constructor(heap: Heap) {
    this.#table = new BanTable(heap);
  }

  /** Keys with remembered denials or a ban. */
  get count(): number {
    return this.#table.count;
  }

  reseed(seed0: number, seed1: number): void {
    if (this.#table.count === 0) this.#table.reseed(seed0, seed1);
  }

  /** The stamp until which the key is banned; 0: it is not. */
  untilUs(identity: BanIdentity, stampUs: number): number {
    if (this.#table.count === 0) return 0;
    const record = this.#table.find(identity);
    const untilUs = record === 0 ? 0 : this.#table.untilUs(record);
    return untilUs > stampUs ? untilUs : 0;
  }

  /** Counts a denial of a key that is not banned. Returns the stamp until which it is banned for it; 0: it is not. */
  feed(identity: BanIdentity, ban: BanDocument, stampUs: number): number {
    const table = this.#table;
    const found = table.find(identity);
    // A policy whose ban has a longer window since, or a longer memory, finds no more than the old ones kept.
    const isKnown = found !== 0 && !table.isOver(found, stampUs);
    if (found !== 0 && !isKnown) table.remove(found);
    const record = isKnown ? found : table.create(identity);
    if (record === 0) {
      this.uncounted++;
      return 0;
    }
    const windowUs = ban.windowMs * 1_000;
    if (table.denialsSince(record, stampUs - windowUs) + 1 < ban.denials) {
      if (!table.remember(record, stampUs, stampUs + windowUs)) this.uncounted++;
      return 0;
    }
    const forgetAfterUs = ban.forgetAfterMs * 1_000;
    const strikes = table.untilUs(record) + forgetAfterUs > stampUs ? table.strikes(record) + 1 : 1;
    const untilUs = stampUs + banDurationMs(ban, strikes) * 1_000;
    table.ban(record, strikes, untilUs, untilUs + forgetAfterUs);
    this.begun++;
    return untilUs;
  }

  /** Ends a ban and forgets all that led to it; false: there is none. */
  lift(namespace: string, policy: string, key: string, stampUs: number): boolean {
    const identity = identityOf(namespace, policy, key);
    if (this.untilUs(identity, stampUs) === 0) return false;
    this.#table.remove(this.#table.find(identity));
    return true;
  }

  /** The ban of a key; null: there is none. */
  find(namespace: string, policy: string, key: string, stampUs: number): Ban | null {
    const record = this.#table.find(identityOf(namespace, policy, key));
    if (record === 0 || this.#table.untilUs(record) <= stampUs) return null;
    return { policy, key, untilUs: this.#table.untilUs(record), strikes: this.#table.strikes(record) };
  }

  /** How many bans are in force at `stampUs`. */
  countAt(stampUs: number): number {
    return this.#table.countBans(stampUs);
  }

  /** The bans of a namespace in force at `stampUs`, ordered by policy and key, at most `most` of them. */
  list(namespace: string, stampUs: number, most: number): { readonly bans: readonly Ban[]; readonly total: number } {
    const bans: Ban[] = [];
    for (const { identity, prefixLength, untilUs, strikes } of this.#table.bans(stampUs)) {
      const namespaceLength = identity[0]!;
      if (decodeUtf8(identity, 1, namespaceLength) !== namespace) continue;
      const policy = decodeUtf8(identity, namespaceLength + 2, prefixLength - namespaceLength - 2);
      bans.push({ policy, key: keyText(identity, prefixLength), untilUs, strikes });
    }
    bans.sort((a, b) => compare(a.policy, b.policy) || compare(a.key, b.key));
    return { bans: bans.slice(0, most), total: bans.length };
  }

  sweep(stampUs: number): void {
    this.#table.sweep(64, stampUs);
  }

  nextDueUs(): number | null {
    return this.#table.nextDueUs();
  }

  save(meta: MetaWriter): void {
    meta.number(this.uncounted);
    meta.number(this.begun);
    this.#table.save(meta);
  }

  load(meta: MetaReader): void {
    this.uncounted = meta.number();
    this.begun = meta.number();
    this.#table.load(meta);
  }
}

function identityOf(namespace: string, policy: string, key: string): BanIdentity {
  const prefix = namePrefix(namespace, policy);
  const bytes = encodeUtf8(key);
  return { prefix, prefixLength: prefix.length, bytes, start: 0, length: bytes.length };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A key as text; keys that are not UTF-8 are told in hexadecimal. */
function keyText(bytes: Uint8Array, from: number): string {
  const hexadecimal = () => Array.from(bytes.subarray(from), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return textOf(bytes, from, bytes.length - from) ?? `0x${hexadecimal()}`;
}
