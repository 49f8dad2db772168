import type { RollingHash } from "../hash/rolling-hash.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { CarryOver } from "./carry-over.ts";
import type { GovernedRule } from "./governed-rule.ts";
import { askedBy, readIdentity } from "./own-keeper.ts";
import type { Counted, Tables } from "./rehearsal.ts";

/**
 * Carries a key over from a counter that holds something, whether or not that is looked for: of more rules than are told
 * apart, it may have been forgotten. Returns the key's counter under the rule.
 */
export function bringFrom({ keys, holds, block }: Counted, carryOver: CarryOver, rule: GovernedRule): number {
  const { bytes, prefixLength } = keys.identityOf(block);
  const identity = readIdentity(bytes, prefixLength);
  const length = bytes.length - prefixLength;
  const { epochs, quota } = rule;
  const hash = keys.hashOf(quota, bytes, prefixLength, length);
  const home = keys.find(quota, hash, bytes, prefixLength, length);
  if (home !== 0) return join({ keys, holds, block }, home, rule);
  rule.lookAlsoFor(identity.namespace, askedBy(bytes, identity), identity.epoch);
  const carried = carryOver.carry(rule, hash, bytes, prefixLength, length);
  rule.epochs = epochs;
  return carried;
}

/** Whoever touched the key could not know of a hold on a counter that is looked for no more: it counts from now on. */
function join({ holds, block }: Counted, to: number, { quota, carriedLimit, stampUs }: GovernedRule): number {
  const { limit } = quota;
  quota.limit = carriedLimit;
  const home = holds.moveTo(block, to, quota, stampUs);
  quota.limit = limit;
  holds.forgetOver(home, stampUs);
  return home;
}

/**
 * Before a call that settles by number: what is held of its key under an earlier rule of its name is brought to the rule
 * in force, wherever it is, so that it can be settled there. Follows {@link GovernedRule.useNumbers}.
 */
export function bringNamed(
  { keys, holds, hash }: Tables & { readonly hash: RollingHash },
  carryOver: CarryOver,
  rule: GovernedRule,
  handle: number,
  key: Uint8Array,
): void {
  const { epochs, stampUs } = rule;
  const block = epochs.length === 0 ? 0 : holds.keyOf(handle);
  if (block === 0 || !isEarlier(keys, block, rule, key)) return;
  // What is over must not be carried over as if it were held.
  holds.sweepKey(block, stampUs);
  holds.forgetOver(block, epochs.at(-1)!.epoch.endUs);
  if (keys.isHeld(block)) hash.word(keys.fingerprint(bringFrom({ keys, holds, block }, carryOver, rule)));
}

/** Whether a counter is one of the key that an earlier rule of the same name left behind. */
function isEarlier(keys: KeyTable, block: number, { quota, nameEnd, epoch }: GovernedRule, key: Uint8Array): boolean {
  const { bytes, prefixLength } = keys.identityOf(block);
  const identity = readIdentity(bytes, prefixLength);
  if (identity.shapeAt !== nameEnd || bytes.length - prefixLength !== key.length || identity.epoch >= epoch)
    return false;
  return (
    quota.prefix.subarray(0, nameEnd).every((byte, at) => byte === bytes[at]) &&
    key.every((byte, at) => byte === bytes[prefixLength + at])
  );
}
