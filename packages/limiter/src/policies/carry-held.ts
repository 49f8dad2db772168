import { textOf } from "../entry/utf8.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import type { MachineState } from "../machine/state.ts";
import { bringFrom } from "./bring-held.ts";
import type { CarryOver } from "./carry-over.ts";
import { type AskedRule, GovernedRule } from "./governed-rule.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { askedBy, readIdentity } from "./own-keeper.ts";

/**
 * What one entry may do for the keys that are held: a step for each hold that is looked at, and for each key that is carried
 * over {@link STEPS_PER_KEY}, {@link STEPS_PER_RULE} for each earlier rule of its name and {@link STEPS_PER_HOLD} for each
 * hold. About a microsecond each, or up to three for a hold of a bucket.
 */
export const HELD_STEPS_PER_ENTRY = 20_000;
const STEPS_PER_KEY = 6;
const STEPS_PER_HOLD = 4;
const STEPS_PER_RULE = 1;

/**
 * Carries over keys that have open holds and that nobody touched since a policy took them over: a hold may outlive what is
 * kept for those who come late. Where a policy went, nobody knows by which inline rule the key will be asked for.
 */
class HeldCarrier {
  readonly #state: MachineState;
  readonly #carryOver: CarryOver;
  readonly #stampUs: number;
  /** Rules made ready, each for all keys of its name. */
  readonly #rules = new Map<string, GovernedRule>();

  constructor(state: MachineState, carryOver: CarryOver, stampUs: number) {
    this.#state = state;
    this.#carryOver = carryOver;
    this.#stampUs = stampUs;
  }

  /** Returns how many steps it took. */
  carry(block: number): number {
    const { keys, policies } = this.#state;
    const { bytes, prefixLength } = keys.identityOf(block);
    const identity = readIdentity(bytes, prefixLength);
    const { namespace, nameStart, nameLength, epoch } = identity;
    const owner = policies.namespaceOf(namespace);
    const name = textOf(bytes, nameStart, nameLength);
    const lineage = owner === null || name === null || name === "" ? undefined : owner.lineages.get(name);
    if (lineage === undefined || lineage.epoch === epoch) return 1;
    if (owner!.policy(name!) === null) return 1;
    const { holds } = this.#state;
    const { forgotten } = holds;
    holds.forgetOver(block, lineage.past.at(-1)?.endUs ?? 0);
    if (!keys.isHeld(block)) return 1 + holds.forgotten - forgotten;
    const asked = askedBy(bytes, identity);
    const rules = this.#rules.size;
    const rule = this.#ruleOf(owner!, namespace, asked, name!);
    rule.useNumbers(owner!.numbersFor(name!, textOf(bytes, prefixLength, bytes.length - prefixLength) ?? ""));
    const carried = bringFrom({ keys, holds, block }, this.#carryOver, rule);
    const steps = STEPS_PER_KEY + STEPS_PER_RULE * rule.epochs.length;
    const open = holds.ofKey.openOn(carried, this.#stampUs, HELD_STEPS_PER_ENTRY).length;
    // To make a rule ready is as much work again.
    return steps * (1 + this.#rules.size - rules) + STEPS_PER_HOLD * (1 + open + holds.forgotten - forgotten);
  }

  #ruleOf(owner: NamespacePolicies, namespace: Uint8Array, asked: AskedRule, name: string): GovernedRule {
    const id = `${owner.name}\0${name}`;
    const known = this.#rules.get(id);
    if (known !== undefined) return known;
    const rule = new GovernedRule(new QuotaRule());
    rule.resolve(owner, namespace, asked, name, this.#stampUs);
    this.#state.keys.prepare(rule.quota);
    this.#rules.set(id, rule);
    return rule;
  }
}

/**
 * Goes on with the keys that are held under policies which took over: as many as the entry may, the others follow with the
 * next ones. Whoever touches a key first carries it over, as any other, and so does who settles what it holds.
 */
export function carrySomeHeld(state: MachineState, carryOver: CarryOver, stampUs: number): void {
  const { heldBacklog, holds } = state;
  if (!heldBacklog.isOpen) return;
  const carrier = new HeldCarrier(state, carryOver, stampUs);
  while (heldBacklog.isOpen && heldBacklog.stepsLeft > 0) {
    let unswept = 0;
    const isAtEnd = holds.forEachBehind(heldBacklog.place, (block, place) => {
      // What is over must not be carried over as if it were held; and the order must not change while it is walked.
      unswept = holds.isToSweep(block) ? block : 0;
      if (unswept !== 0) return false;
      const { forgotten } = holds;
      heldBacklog.stepsLeft -= carrier.carry(block);
      heldBacklog.goTo(place);
      return heldBacklog.stepsLeft > 0 && holds.forgotten === forgotten;
    });
    if (unswept !== 0) heldBacklog.stepsLeft -= holds.sweepKey(unswept, stampUs);
    else if (isAtEnd) heldBacklog.endLap();
  }
}
