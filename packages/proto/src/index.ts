/** The QuorumGuard wire contract: `quorumguard.v1`, as generated from the files in `proto/`. */
export * from "./gen/quorumguard/v1/admin_service_pb.ts";
export * from "./gen/quorumguard/v1/cluster_service_pb.ts";
export * from "./gen/quorumguard/v1/decision_pb.ts";
export * from "./gen/quorumguard/v1/error_pb.ts";
export * from "./gen/quorumguard/v1/guard_service_pb.ts";
export * from "./gen/quorumguard/v1/policy_service_pb.ts";
export * from "./gen/quorumguard/v1/session_pb.ts";
export * from "./gen/quorumguard/v1/topology_pb.ts";
export type { PlainMessage } from "./message-codec.ts";
export {
  CodecError,
  type DecodedRequest,
  type DecodedResponse,
  decodeSessionRequest,
  decodeSessionResponse,
  encodeFrame,
  encodeFrameReply,
  encodeSessionRequest,
  encodeSessionResponse,
  type FrameColumns,
  type FrameReplyColumns,
  MAX_FRAME_ITEMS,
  MAX_KEY_BYTES,
  MAX_MESSAGE_BYTES,
  type ReceivedFrame,
  type ReceivedReply,
  type ResultValues,
  type WireRule,
} from "./session-codec.ts";
export {
  defaultTokenAudience,
  type TokenClaims,
  type TokenGrant,
  type TokenOperation,
  tokenAlgorithms,
  tokenBounds,
  tokenOperations,
  tokenType,
} from "./token-claims.ts";
export type { TokenJwk, TokenKeySet } from "./token-keys.ts";
export {
  decodeAllowBatchResponse,
  decodeErrorDetail,
  decodeGetTermsResponse,
  decodeGetTopologyResponse,
  decodePeekResponse,
  encodeAllowBatchRequest,
  encodeGetTermsRequest,
  encodeGetTopologyRequest,
  encodePeekRequest,
} from "./unary-codec.ts";
export { isUtf8, readUtf8, utf8Length, writeUtf8 } from "./utf8.ts";
