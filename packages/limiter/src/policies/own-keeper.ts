import { u32At } from "../entry/byte-reader.ts";
import { textOf } from "../entry/utf8.ts";
import type { BlockKeeper, KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { type AskedRule, pastRule } from "./governed-rule.ts";
import type { Lineage } from "./lineage.ts";
import { goesOnUntilUs } from "./looked-for.ts";
import { numbersOf } from "./move-lineages.ts";
import { keptForOwnUs } from "./own-numbers.ts";
import type { PolicyBook } from "./policy-book.ts";

/** What the identity of a named counter says. */
export interface NamedIdentity {
  readonly namespace: Uint8Array;
  readonly nameStart: number;
  readonly nameLength: number;
  /** Where the shape begins: algorithm, window, epoch. */
  readonly shapeAt: number;
  readonly epoch: number;
}

/** Takes the prefix of an identity apart. */
export function readIdentity(bytes: Uint8Array, prefixLength: number): NamedIdentity {
  const namespaceEnd = 1 + bytes[0]!;
  const nameStart = namespaceEnd + 1;
  const nameLength = bytes[namespaceEnd]!;
  const shapeAt = nameStart + nameLength;
  const epoch = prefixLength > shapeAt + 9 ? u32At(bytes, shapeAt + 9) : 0;
  return { namespace: bytes.subarray(1, namespaceEnd), nameStart, nameLength, shapeAt, epoch };
}

/** The rule that a named counter counts by, but for its limit. */
export function askedBy(bytes: Uint8Array, { nameStart, nameLength, shapeAt }: NamedIdentity): AskedRule {
  const windowUs = u32At(bytes, shapeAt + 5) * 4294967296 + u32At(bytes, shapeAt + 1);
  return { algorithm: bytes[shapeAt]!, limit: 0, windowUs, burst: 0, source: bytes, nameStart, nameLength };
}

/**
 * Has the sweep leave alone what waits for keys that have slower numbers of their own than their policies, and what shows
 * that a key was given back what waits. Only what it is about to free is looked at, so one slow key prolongs nobody else's.
 */
export class OwnKeeper implements BlockKeeper {
  readonly #keys: KeyTable;
  readonly #policies: PolicyBook;
  /** What old counters of a name are found by, for as long as its lineage is the same and no seed changed. */
  readonly #prepared = new WeakMap<Lineage, PreparedPast>();

  constructor(keys: KeyTable, policies: PolicyBook) {
    this.#keys = keys;
    this.#policies = policies;
  }

  keptUntilUs(block: number): number {
    const { bytes, prefixLength } = this.#keys.identityOf(block);
    const { namespace, nameStart, nameLength, epoch } = readIdentity(bytes, prefixLength);
    const owner = this.#policies.namespaceOf(namespace);
    const name = textOf(bytes, nameStart, nameLength);
    if (!owner?.hasOwnNumbers || name === null) return 0;
    const past = owner.lineages.get(name)?.past ?? [];
    const from = past.findIndex((each) => each.epoch === epoch);
    const key = textOf(bytes, prefixLength, bytes.length - prefixLength);
    const own = from < 0 || key === null ? null : owner.numbersFor(name, key);
    if (own === null) return 0;
    const policy = owner.policy(name);
    return keptForOwnUs(past, from, policy === null ? null : numbersOf(policy), own);
  }

  /**
   * What a policy that went left to its callers stays for all of them. One whose counter is empty, since what it held was
   * given back, would have that anew if it were swept before.
   */
  heirKeptUntilUs(block: number, stampUs: number): number {
    const keys = this.#keys;
    const { bytes, prefixLength } = keys.identityOf(block);
    const identity = readIdentity(bytes, prefixLength);
    const { namespace, nameStart, nameLength, epoch } = identity;
    const owner = this.#policies.namespaceOf(namespace);
    const name = textOf(bytes, nameStart, nameLength);
    const lineage = owner === null || name === null || name === "" ? undefined : owner.lineages.get(name);
    if (lineage === undefined || lineage.epoch !== epoch || lineage.past.length === 0) return 0;
    if (owner!.policy(name!) !== null) return 0;
    const length = bytes.length - prefixLength;
    const { living } = this.#prepare(lineage, namespace, askedBy(bytes, identity));
    const key = owner!.hasOwnNumbers ? textOf(bytes, prefixLength, length) : null;
    const own = key === null ? null : owner!.numbersFor(name!, key);
    for (const { rule, at, retainUs } of living) {
      const old = keys.find(rule, keys.hashOf(rule, bytes, prefixLength, length), bytes, prefixLength, length);
      if (old === 0) continue;
      const ownUs = own === null ? 0 : keptForOwnUs(lineage.past, at, null, own);
      const untilUs = Math.max(retainUs, ownUs, goesOnUntilUs(keys, rule, old, stampUs));
      if (untilUs > stampUs) return untilUs;
    }
    return 0;
  }

  /**
   * A sweep meets many keys of a name, one after another. Counters of an epoch that ended may go, but none is added: so it
   * makes no difference when this was done, which is another stamp on a node that was restored.
   */
  #prepare(lineage: Lineage, namespace: Uint8Array, asked: AskedRule): PreparedPast {
    const keys = this.#keys;
    const known = this.#prepared.get(lineage);
    if (known?.seeds === keys.seeds) return known;
    const living = lineage.past
      .flatMap(({ epoch, shapes, retainUs }, at) =>
        shapes.map(({ algorithm, windowUs }) => ({
          rule: pastRule(namespace, algorithm, windowUs, epoch, asked),
          at,
          retainUs,
        })),
      )
      .filter(({ rule }) => keys.census.hasShape(rule.prefix, rule.prefixLength))
      .sort((one, other) => other.retainUs - one.retainUs);
    for (const { rule } of living) keys.prepare(rule);
    const prepared = { seeds: keys.seeds, living };
    this.#prepared.set(lineage, prepared);
    return prepared;
  }
}

/** The old counters of a name, those that are kept longest first; without shapes of which there is none. */
interface PreparedPast {
  /** The table's seeds by which the rules were made ready. */
  readonly seeds: number;
  readonly living: readonly { readonly rule: QuotaRule; readonly at: number; readonly retainUs: number }[];
}
