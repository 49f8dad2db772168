import { allowPath, callFor } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

/** Every answer has its author's words: a node, too, answers 404 to much of this, but then it was asked. */
const refusedInWords =
  (body: string) =>
  (path: string): HostileCase => ({
    name: `the path ${path}`,
    send: ({ send }) => send({ path, token: null }),
    ...{ status: 404, body },
  });

/** By nginx's list of calls. */
const noCall = refusedInWords('{"code":"unimplemented","message":"not served at this address"}');
/** By nginx's list too, where it takes the path for a health check. */
const noHealthCheck = refusedInWords("not served at this address\n");
/** By the site, whose every other path is. */
const noPage = refusedInWords("no such page");

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
    "/quorumguard.v1.AdminService/LiftBan",
    `/${allowPath}`,
    "/quorumguard.v1.GuardService//Allow",
    "/quorumguard.v1.GuardService/%41llow",
    "/quorumguard.v1.GuardService/allow",
    `${allowPath}/`,
    `${allowPath};v=2`,
    "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership",
    `${allowPath}/../../quorumguard.v1.PolicyService/PutPolicies`,
  ].map(noCall),
  noHealthCheck("/metrics/../healthz"),
  ...["/metrics", "/healthz/../metrics", "/QUORUMGUARD.V1.GuardService/Allow"].map(noPage),
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
