/** Run a QuorumGuard node from code. Most people want the command instead: `npx @quorumguard/cluster dev`. */
export type { TokenJwk, TokenKeySet } from "@quorumguard/proto";
export type { Member, NodeHandle, NodeStatus, NodeTopology } from "./node/node.ts";
export type { NodeLog } from "./node/node-log.ts";
export type { NodeLimits, NodeTimings } from "./node/node-options.ts";
export type { ClientAddresses } from "./server/address-exchange.ts";
export { InvalidField } from "./server/invalid-field.ts";
export type { Founder, HostPort, PeerTls, ServerOptions } from "./server/server-options.ts";
export { StartError, type StartOption } from "./server/start-error.ts";
export { type RunningServer, startServer } from "./server/start-server.ts";
export type { TlsMaterial } from "./server/tls-material.ts";
export type { FileHandle, FileSystem } from "./storage/file-system.ts";
export { StorageError } from "./storage/storage-error.ts";
