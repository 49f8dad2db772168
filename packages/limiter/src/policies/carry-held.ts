import { u32At } from "../entry/byte-reader.ts";
import { textOf } from "../entry/utf8.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import type { MachineState } from "../machine/state.ts";
import type { CarryOver } from "./carry-over.ts";
import { GovernedRule } from "./governed-rule.ts";
import { readIdentity } from "./own-keeper.ts";

/**
 * Carries over every key that has open holds and that nobody touched since another rule took it over: at the change
 * itself where a policy takes over (`toPolicies`), since a hold may outlive what is kept for those who come late, and ends
 * or is settled on the counter that it is on; and before a takeover whatever is left, since that moves holds to a later
 * stamp, which must not happen to a counter that stands still. Work is that of a takeover, which looks at every open hold.
 */
export function carryHeld(state: MachineState, carryOver: CarryOver, stampUs: number, toPolicies: boolean): void {
  const { keys, holds, policies } = state;
  if (!keys.census.hasFrozen) return;
  const rule = new GovernedRule(new QuotaRule());
  for (const { block, limit, burst } of holds.heldKeys()) {
    // Carrying another shape of the same key may have moved its holds and freed it.
    if (!keys.isHeld(block)) continue;
    const { bytes, prefixLength } = keys.identityOf(block);
    const { namespace, nameStart, nameLength, shapeAt, epoch } = readIdentity(bytes, prefixLength);
    const name = textOf(bytes, nameStart, nameLength);
    const owner = policies.namespaceOf(namespace);
    const lineage = name === null || name === "" ? undefined : owner?.lineages.get(name);
    if (lineage === undefined || epoch === lineage.epoch) continue;
    const windowUs = u32At(bytes, shapeAt + 5) * 4294967296 + u32At(bytes, shapeAt + 1);
    const asked = { algorithm: bytes[shapeAt]!, limit, windowUs, burst, source: bytes, nameStart, nameLength };
    rule.resolve(owner, namespace, asked, name!, stampUs);
    if (toPolicies && rule.policy === null) continue;
    rule.lookAlsoFor(namespace, asked, epoch);
    keys.prepare(rule.quota);
    const length = bytes.length - prefixLength;
    const hash = keys.hashOf(rule.quota, bytes, prefixLength, length);
    rule.useNumbers(owner!.numbersFor(name!, textOf(bytes, prefixLength, length) ?? ""));
    if (keys.find(rule.quota, hash, bytes, prefixLength, length) === 0) {
      carryOver.carry(rule, hash, bytes, prefixLength, length);
    }
  }
}
