import { type AddressGroups, type AddressRange, maskGroups, readAddressKey, readRange } from "./address.ts";
import type { ListEntryDocument } from "./documents.ts";

type Match = ListEntryDocument["match"];

/**
 * Keys, prefixes and address ranges that a key is looked up among: one look-up for each length of prefix and each number
 * of bits that occurs, however many there are of it.
 */
export class KeyList {
  readonly #keys = new Set<string>();
  /** By length in UTF-16 units, and by family and number of bits. */
  readonly #prefixes = new Map<number, Set<string>>();
  readonly #ranges = new Map<string, { readonly example: AddressRange; readonly members: Set<string> }>();

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#prefixes.size === 0 && this.#ranges.size === 0;
  }

  add(match: Match, value: string): void {
    if (match === "key") this.#keys.add(value);
    else if (match === "prefix") {
      const prefixes = this.#prefixes.get(value.length) ?? new Set();
      this.#prefixes.set(value.length, prefixes.add(value));
    } else {
      const range = rangeOf(value);
      const ranges = this.#ranges.get(familyOf(range)) ?? { example: range, members: new Set() };
      ranges.members.add(maskedName(range.groups, range.bits));
      this.#ranges.set(familyOf(range), ranges);
    }
  }

  remove(match: Match, value: string): void {
    if (match === "key") this.#keys.delete(value);
    else if (match === "prefix") {
      const prefixes = this.#prefixes.get(value.length);
      prefixes?.delete(value);
      if (prefixes?.size === 0) this.#prefixes.delete(value.length);
    } else {
      const range = rangeOf(value);
      const ranges = this.#ranges.get(familyOf(range));
      ranges?.members.delete(maskedName(range.groups, range.bits));
      if (ranges?.members.size === 0) this.#ranges.delete(familyOf(range));
    }
  }

  has(key: string): boolean {
    if (this.#keys.has(key)) return true;
    for (const [length, prefixes] of this.#prefixes) {
      if (length <= key.length && prefixes.has(key.slice(0, length))) return true;
    }
    if (this.#ranges.size === 0) return false;
    const named = readAddressKey(key);
    if (named === null) return false;
    const { groups: address, bits } = named;
    for (const { example, members } of this.#ranges.values()) {
      // A network is in a range only as a whole.
      if (example.groups.length !== address.length || example.bits > bits) continue;
      if (members.has(maskedName(address, example.bits))) return true;
    }
    return false;
  }
}

/** A range that was read once before, when it entered a document. */
function rangeOf(value: string): AddressRange {
  const range = readRange(value);
  if (typeof range === "string") throw new RangeError(range);
  return range;
}

function familyOf(range: AddressRange): string {
  return `${range.groups.length}/${range.bits}`;
}

function maskedName(groups: AddressGroups, bits: number): string {
  return maskGroups(groups, bits).join(".");
}
