import { u32At } from "../entry/byte-reader.ts";
import { textOf } from "../entry/utf8.ts";
import type { HeldKey } from "../holds/holds.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import type { MachineState } from "../machine/state.ts";
import type { CarryOver } from "./carry-over.ts";
import { GovernedRule } from "./governed-rule.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { readIdentity } from "./own-keeper.ts";

/**
 * What one entry may do for the keys that are held: a step for each hold that is looked at, and for each key that is carried
 * over {@link STEPS_PER_KEY} and {@link STEPS_PER_RULE} for each earlier rule of its name. About a microsecond each.
 */
export const HELD_STEPS_PER_ENTRY = 20_000;
const STEPS_PER_KEY = 6;
const STEPS_PER_RULE = 1;

/** A rule made ready for all keys of its name that are held under the same numbers. */
interface Prepared {
  readonly owner: NamespacePolicies;
  readonly name: string;
  readonly epoch: number;
  readonly rule: GovernedRule;
}

/**
 * Carries over keys that have open holds and that nobody touched since another rule took them over: where a policy takes
 * over, since a hold that is never asked for ends or is settled on the counter that it is on; and before a takeover
 * under all rules, since that moves holds to a later stamp, which must not happen to a counter that stands still.
 */
class HeldCarrier {
  readonly #state: MachineState;
  readonly #carryOver: CarryOver;
  readonly #stampUs: number;
  readonly #toPolicies: boolean;
  readonly #prepared = new Map<string, Prepared | null>();

  constructor(state: MachineState, carryOver: CarryOver, stampUs: number, toPolicies: boolean) {
    this.#state = state;
    this.#carryOver = carryOver;
    this.#stampUs = stampUs;
    this.#toPolicies = toPolicies;
  }

  /** Returns how many steps it took. */
  carry({ block, limit, burst }: HeldKey): number {
    const { keys } = this.#state;
    const { bytes, prefixLength } = keys.identityOf(block);
    const { namespace, nameStart, nameLength, shapeAt, epoch } = readIdentity(bytes, prefixLength);
    const windowUs = u32At(bytes, shapeAt + 5) * 4294967296 + u32At(bytes, shapeAt + 1);
    const asked = { algorithm: bytes[shapeAt]!, limit, windowUs, burst, source: bytes, nameStart, nameLength };
    const prepared = nameLength === 0 ? null : this.#prepare(namespace, asked);
    if (prepared === null || prepared.epoch === epoch) return 1;
    const { owner, name, rule } = prepared;
    const { epochs } = rule;
    rule.lookAlsoFor(namespace, asked, epoch);
    const length = bytes.length - prefixLength;
    const hash = keys.hashOf(rule.quota, bytes, prefixLength, length);
    rule.useNumbers(owner.numbersFor(name, textOf(bytes, prefixLength, length) ?? ""));
    if (keys.find(rule.quota, hash, bytes, prefixLength, length) === 0) {
      this.#carryOver.carry(rule, hash, bytes, prefixLength, length);
    }
    rule.epochs = epochs;
    return 1 + STEPS_PER_KEY + STEPS_PER_RULE * epochs.length;
  }

  #prepare(namespace: Uint8Array, asked: Parameters<GovernedRule["resolve"]>[2]): Prepared | null {
    const { keys, policies } = this.#state;
    const name = textOf(asked.source, asked.nameStart, asked.nameLength);
    const owner = policies.namespaceOf(namespace);
    if (name === null || owner === null) return null;
    const isPolicys = owner.policy(name) !== null;
    if (this.#toPolicies && !isPolicys) return null;
    // Callers bring numbers of their own; a policy's are the same for all.
    const numbers = isPolicys ? "" : `${asked.algorithm}/${asked.limit}/${asked.windowUs}/${asked.burst}`;
    const id = `${owner.name}\0${name}\0${numbers}`;
    const known = this.#prepared.get(id);
    if (known !== undefined) return known;
    const lineage = owner.lineages.get(name);
    let made: Prepared | null = null;
    if (lineage !== undefined) {
      const rule = new GovernedRule(new QuotaRule());
      rule.resolve(owner, namespace, asked, name, this.#stampUs);
      keys.prepare(rule.quota);
      made = { owner, name, epoch: lineage.epoch, rule };
    }
    this.#prepared.set(id, made);
    return made;
  }
}

/** Before a takeover: all that is left, under whatever rule. The work is that of the takeover, which looks at every open hold. */
export function carryAllHeld(state: MachineState, carryOver: CarryOver, stampUs: number): void {
  state.heldBacklog.close();
  if (!state.keys.census.hasFrozen) return;
  const carrier = new HeldCarrier(state, carryOver, stampUs, false);
  state.holds.forEachBehind(state.heldBacklog.place, (held) => carrier.carry(held) > 0);
}

/**
 * Goes on with the keys that are held under policies which took over: as many as the entry may, the others follow with the
 * next ones. Whoever touches a key first carries it over, as any other, and so does who settles what it holds.
 */
export function carrySomeHeld(state: MachineState, carryOver: CarryOver, stampUs: number): void {
  const { heldBacklog, holds } = state;
  if (!heldBacklog.isOpen) return;
  const carrier = new HeldCarrier(state, carryOver, stampUs, true);
  while (heldBacklog.isOpen && heldBacklog.stepsLeft > 0) {
    const isAtEnd = holds.forEachBehind(heldBacklog.place, (held, place) => {
      heldBacklog.stepsLeft -= carrier.carry(held);
      heldBacklog.goTo(place);
      return heldBacklog.stepsLeft > 0;
    });
    if (isAtEnd) heldBacklog.endLap();
  }
}
