import { create } from "@bufbuild/protobuf";
import { type Topology, TopologySchema } from "@quorumguard/proto";
import type { Member, NodeTopology } from "../node/node.ts";

/** There is one Raft group today; the wire has room for more. */
const onlyGroupId = 1n;

/** A cluster has at most 9 founders; this leaves room. */
const maxKnownMembers = 64;

/**
 * What a node knows of its cluster, for clients: members without an address are left out, since nobody could call them.
 * A node that has just restarted hears its peers' addresses within moments; each one makes the version grow, so that a
 * client replaces a list that was short.
 */
export function wireTopology(topology: NodeTopology): Topology {
  const reachable = topology.members.filter((member) => member.grpcEndpoint !== "" && member.httpUrl !== "");
  return messageOf(topology, reachable);
}

/** The topology for operators: all members, with empty addresses where none is known yet. */
export function fullTopology(topology: NodeTopology): Topology {
  return messageOf(topology, topology.members);
}

function messageOf(topology: NodeTopology, members: readonly Member[]): Topology {
  return create(TopologySchema, {
    clusterId: topology.clusterId,
    version: BigInt(topology.version * maxKnownMembers + members.length),
    members: members.map((member) => ({
      nodeId: BigInt(member.nodeId),
      grpcEndpoint: member.grpcEndpoint,
      httpUrl: member.httpUrl,
      voter: member.voter,
    })),
    groups: [{ groupId: onlyGroupId, leaderId: BigInt(topology.leaderId), term: BigInt(topology.term) }],
    nodeId: BigInt(topology.nodeId),
  });
}
