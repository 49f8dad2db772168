import { u32At } from "../entry/byte-reader.ts";
import { textOf } from "../entry/utf8.ts";
import type { BlockKeeper, KeyTable } from "../keys/key-table.ts";
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

/**
 * Has the sweep leave alone what waits for keys that have slower numbers of their own than their policies. Only what it is
 * about to free is looked at, so one slow key prolongs nobody else's.
 */
export class OwnKeeper implements BlockKeeper {
  readonly #keys: KeyTable;
  readonly #policies: PolicyBook;

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
}
