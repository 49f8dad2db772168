import { AdminService, PolicyService } from "@quorumguard/proto";

export { TopKeysBy } from "@quorumguard/proto";
export { askCluster } from "./ask-cluster.ts";
export { NodeRefusal } from "./cluster-client.ts";

/** The calls on the documents of a namespace. */
export const policyMethods = PolicyService.method;

/** The calls on keys, bans and quotas. */
export const adminMethods = AdminService.method;
