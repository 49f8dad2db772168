import { expect, it } from "vitest";
import type { ClusterStatus, MemberStatus } from "./cluster-status.ts";
import { statusTable } from "./status-table.ts";

const member = (nodeId: number, more: Partial<MemberStatus> = {}): MemberStatus => ({
  nodeId,
  grpcEndpoint: `10.0.0.${nodeId}:7400`,
  httpUrl: `http://10.0.0.${nodeId}:7402`,
  voter: true,
  error: null,
  role: nodeId === 2 ? "leader" : "follower",
  leaderId: 2,
  term: 7,
  commitIndex: 100,
  appliedIndex: 90 + nodeId,
  lag: 10 - nodeId,
  stateHash: "00",
  keys: 4,
  maxKeys: 1_000_000,
  holds: 2,
  maxHolds: 100_000,
  sessions: 1,
  abstaining: false,
  version: "0.1.0",
  ...more,
});
const down: Partial<MemberStatus> = {
  error: "nothing listens there (ECONNREFUSED)",
  role: null,
  leaderId: null,
  term: null,
  commitIndex: null,
  appliedIndex: null,
  lag: null,
  keys: null,
  maxKeys: null,
  holds: null,
  maxHolds: null,
  sessions: null,
  abstaining: null,
  version: null,
};
const status = (members: readonly MemberStatus[], more: Partial<ClusterStatus> = {}): ClusterStatus => ({
  clusterId: "00112233445566778899aabbccddeeff",
  leaderId: 2,
  term: 7,
  healthy: true,
  members,
  ...more,
});

it("who leads comes first, then a line for each member with role, lag and addresses", () => {
  const lines = statusTable(status([1, 2, 3].map((nodeId) => member(nodeId)))).split("\n");
  expect(lines[0]).toBe("cluster 00112233445566778899aabbccddeeff: node 2 leads (term 7), 3 of 3 members answer");
  expect(lines[2]).toMatch(
    /^node {2}role +leader {2}term {2}commit {2}applied {2}lag {2}keys {2}sessions {2}gRPC +HTTP$/,
  );
  expect(lines[4]).toMatch(/^2 +leader +2 +7 +100 +92 +8 +4 +1 +10\.0\.0\.2:7400 +http:\/\/10\.0\.0\.2:7402$/);
});

it("says which member is down, why, and what it takes to have a leader again", () => {
  const members = [member(1, { leaderId: 0 }), member(2, down), member(3, down)];
  const text = statusTable(status(members, { leaderId: 0, healthy: false }));
  expect(text).toContain(": no leader, 1 of 3 members answer");
  expect(text).toMatch(/^2 +down +– +– +–/m);
  expect(text).toContain("node 3 does not answer: nothing listens there (ECONNREFUSED)");
  expect(text).toContain("no leader without 2 voters: start those that are down");
});

it("tells of versions that differ and of a node that abstains", () => {
  const text = statusTable(status([member(1, { version: "0.2.0" }), member(2), member(3, { abstaining: true })]));
  expect(text).toContain("versions differ: node 1 0.2.0, node 2 0.1.0, node 3 0.1.0");
  expect(text).toContain("node 3 abstains: it lost the end of its log or was repaired");
  expect(text).not.toContain("no leader");
});

it("says that nobody can be elected while a majority abstains, although all answer", () => {
  const members = [1, 2, 3].map((nodeId) => member(nodeId, { leaderId: 0, abstaining: nodeId !== 1 }));
  const text = statusTable(status(members, { leaderId: 0, healthy: false }));
  expect(text).toContain("no leader while fewer than 2 voters may vote");
});

it("says when a table is nearly full, once for all members, and how to raise its bound", () => {
  const text = (more: Partial<MemberStatus>) => statusTable(status([1, 2, 3].map((nodeId) => member(nodeId, more))));
  const full = text({ keys: 900, maxKeys: 1_000, holds: 95, maxHolds: 100 });
  expect(full.match(/900 of 1000 keys are in use.*--max-keys/g)).toHaveLength(1);
  expect(full.match(/95 of 100 reservations, slots and leases are open.*--max-holds/g)).toHaveLength(1);
  expect(text({ keys: 899, maxKeys: 1_000 })).not.toContain("--max");
});
