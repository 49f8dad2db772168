/**
 * The parts of production code that no package publishes but that a simulation assembles itself, in one place: from the
 * sources, since this package is never built.
 */
export { createNode } from "../../cluster/src/node/create-node.ts";
export type { ClusterNode, MemberChange } from "../../cluster/src/node/node.ts";
export type { NodeLimits, NodeOptions, NodeTimings } from "../../cluster/src/node/node-options.ts";
export { decodeEnvelope, type Envelope, FrameKind } from "../../cluster/src/node/peer-codec.ts";
export { CallError } from "../../cluster/src/server/call-error.ts";
export { createClusterHandlers } from "../../cluster/src/server/cluster-handlers.ts";
export { createSessionHandler } from "../../cluster/src/server/session-handler.ts";
export type { SessionHandler, SessionStream } from "../../cluster/src/server/session-stream.ts";
export { createGuardHandlers } from "../../cluster/src/server/unary-handlers.ts";
export {
  decodeFrame,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  segmentSeed,
} from "../../cluster/src/storage/log-frame.ts";
export type { PeerHandlers, PeerTransport, SnapshotSource } from "../../cluster/src/transport/peer-transport.ts";
