import { allowPath, callFor } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

const notServed = (path: string): HostileCase => ({
  name: `the path ${path}`,
  send: ({ send }) => send({ path, token: null }),
  status: 404,
});

const method = (name: string): HostileCase => ({
  name: `the method ${name}`,
  send: ({ send, mine }) => send({ method: name, body: callFor(mine) }),
  status: 405,
});

/** Ways around what is served: other spellings, other methods, and what is for operators. */
export const pathCases: readonly HostileCase[] = [
  ...[
    "/quorumguard.v1.ClusterService/TransferLeadership",
    "/quorumguard.v1.ClusterService/GetStatus",
    "/quorumguard.v1.PolicyService/PutPolicies",
    "/quorumguard.v1.AdminService/Ban",
    `/${allowPath}`,
    "/quorumguard.v1.GuardService//Allow",
    "/quorumguard.v1.GuardService/%41llow",
    "/quorumguard.v1.GuardService/allow",
    "/QUORUMGUARD.V1.GuardService/Allow",
    `${allowPath}/`,
    `${allowPath};v=2`,
    "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership",
    `${allowPath}/../../quorumguard.v1.PolicyService/PutPolicies`,
    "/metrics",
    "/healthz/../metrics",
  ].map(notServed),
  {
    name: `the path ${allowPath}%00`,
    send: ({ send }) => send({ path: `${allowPath}%00`, token: null }),
    status: 400,
  },
  method("GET"),
  method("PUT"),
  method("DELETE"),
  method("TRACE"),
];
