import type { GuardEvent } from "../surface/guard.ts";
import type { Replaced } from "./succession.ts";

/** What a guard's owner is told when the cluster was replaced. */
export function replacedEvent({
  formerClusterId,
  clusterId,
  endpoints,
}: Replaced): Extract<GuardEvent, { readonly type: "replaced" }> {
  const [was, is] = [JSON.stringify(formerClusterId), JSON.stringify(clusterId)];
  const reason = `endpoints: the cluster at ${endpoints.join(", ")} is another one than before (was ${was}, is ${is}), and nobody speaks for the old one: what was counted there is gone, and what was remembered, leased or held of it is dropped`;
  return { type: "replaced", formerClusterId, clusterId, reason };
}
