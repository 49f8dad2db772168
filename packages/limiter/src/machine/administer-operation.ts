import { digest, sipHash } from "../hash/sip.ts";
import type { OperationResult } from "../limiter.ts";
import type { AdminRequest } from "../policies/admin-change.ts";
import type { CarryOver } from "../policies/carry-over.ts";
import { carryWaiting } from "../policies/carry-waiting.ts";
import { settleRates } from "../policies/settle-rates.ts";
import type { MachineState } from "./state.ts";

/** Executes an administrative change whose body is `entry[from, to)`, and mixes what it says and comes to into the hash. */
export function applyAdministration(
  state: MachineState,
  carryOver: CarryOver,
  request: AdminRequest,
  entry: Uint8Array,
  from: number,
  to: number,
  index: number,
  stampUs: number,
): Extract<OperationResult, { readonly kind: "administered" }> {
  const { policies, bans, hash, keys } = state;
  const result = policies.administer(request, stampUs, index, {
    liftBan: (namespace, policy, key) => bans.lift(namespace, policy, key, stampUs),
    renumbering: (namespace, renumbered) => carryWaiting(keys, carryOver, namespace, renumbered, stampUs),
    renumbered: (namespace, renumbered) => settleRates(keys, namespace, renumbered, stampUs),
  });
  sipHash(0, 0, entry, from, to - from);
  hash.word(digest[0]!);
  hash.word(digest[1]!);
  hash.number(result.version);
  hash.number(result.changed);
  hash.word(result.error === null ? 0 : 1);
  return { kind: "administered", result };
}
