/** Run a QuorumGuard node from code. Most people want the command instead: `npx @quorumguard/cluster dev`. */
export type { Clock } from "./node/clock.ts";
export type { ClusterNode, Member, NodeFailure, NodeStatus, NodeTopology } from "./node/node.ts";
export type { NodeLog } from "./node/node-log.ts";
export type { FileHandle, FileSystem } from "./storage/file-system.ts";
export type { PeerHandlers, PeerTransport } from "./transport/peer-transport.ts";
