/** The QuorumGuard wire contract: `quorumguard.v1`, as generated from the files in `proto/`. */
export * from "./gen/quorumguard/v1/cluster_service_pb.ts";
export * from "./gen/quorumguard/v1/decision_pb.ts";
export * from "./gen/quorumguard/v1/error_pb.ts";
export * from "./gen/quorumguard/v1/guard_service_pb.ts";
export * from "./gen/quorumguard/v1/session_pb.ts";
export * from "./gen/quorumguard/v1/topology_pb.ts";
