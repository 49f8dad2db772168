import { create } from "@bufbuild/protobuf";
import { type Topology, TopologySchema } from "@quorumguard/proto";
import type { NodeTopology } from "../node/node.ts";

/** There is one Raft group today; the wire has room for more. */
const onlyGroupId = 1n;

/** What a node knows of its cluster, in the wire's terms. */
export function wireTopology(topology: NodeTopology): Topology {
  return create(TopologySchema, {
    clusterId: topology.clusterId,
    version: BigInt(topology.version),
    members: topology.members.map((member) => ({
      nodeId: BigInt(member.nodeId),
      grpcEndpoint: member.grpcEndpoint,
      httpUrl: member.httpUrl,
      voter: member.voter,
    })),
    groups: [{ groupId: onlyGroupId, leaderId: BigInt(topology.leaderId), term: BigInt(topology.term) }],
    nodeId: BigInt(topology.nodeId),
  });
}
