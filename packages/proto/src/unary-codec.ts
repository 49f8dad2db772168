/** What clients say and hear outside of sessions, by tables of fields: clients over `fetch` have nothing else to read and write. */

import type { GetTopologyRequest, GetTopologyResponse } from "./gen/quorumguard/v1/cluster_service_pb.ts";
import type { Check, Decision, Rule } from "./gen/quorumguard/v1/decision_pb.ts";
import type { ErrorDetail } from "./gen/quorumguard/v1/error_pb.ts";
import type {
  AllowBatchRequest,
  AllowBatchResponse,
  Call,
  CallResult,
  GetTermsRequest,
  GetTermsResponse,
  PeekRequest,
  PeekResponse,
  PolicyTerms,
} from "./gen/quorumguard/v1/guard_service_pb.ts";
import type { Group, Member, Topology } from "./gen/quorumguard/v1/topology_pb.ts";
import { decodeMessage, encodeMessage, type Fields, type PlainMessage } from "./message-codec.ts";

const rule: Fields<Rule> = {
  limit: [1, "uint32"],
  windowUs: [2, "uint64"],
  algorithm: [3, "enum"],
  burst: [4, "uint32"],
  policy: [5, "text"],
};

const check: Fields<Check> = { key: [1, "text"], rule: [2, rule], cost: [3, "uint32"] };

const call: Fields<Call> = {
  checks: [1, [check]],
  requestId: [2, "text"],
  verb: [3, "uint32"],
  ttlMs: [4, "uint64"],
  handle: [5, "uint64"],
};

const allowBatchRequest: Fields<AllowBatchRequest> = {
  calls: [1, [call]],
  noForward: [2, "bool"],
  deadlineMs: [3, "uint32"],
  namespace: [4, "text"],
  firstAttempt: [5, "bool"],
};

const decision: Fields<Decision> = {
  outcome: [1, "enum"],
  limit: [2, "uint32"],
  remaining: [3, "uint32"],
  resetAfterMs: [4, "uint64"],
  retryAfterMs: [5, "uint64?"],
  firmForMs: [6, "uint64"],
  source: [7, "enum"],
  shadow: [8, "enum?"],
  handle: [9, "uint64?"],
};

const callResult: Fields<CallResult> = {
  allowed: [1, "bool"],
  decisions: [2, [decision]],
  index: [3, "uint64"],
  stampUs: [4, "uint64"],
};

const allowBatchResponse: Fields<AllowBatchResponse> = { results: [1, [callResult]], policyVersion: [2, "uint64"] };

const peekRequest: Fields<PeekRequest> = {
  check: [1, check],
  noForward: [2, "bool"],
  namespace: [3, "text"],
  deadlineMs: [4, "uint32"],
};

const peekResponse: Fields<PeekResponse> = { decision: [1, decision], stampUs: [2, "uint64"] };

const getTermsRequest: Fields<GetTermsRequest> = { namespace: [1, "text"], names: [2, ["text"]] };

const policyTerms: Fields<PolicyTerms> = {
  rule: [1, rule],
  shadow: [2, "bool"],
  lease: [3, "bool?"],
  onUnavailable: [4, "enum"],
};

const getTermsResponse: Fields<GetTermsResponse> = { version: [1, "uint64"], policies: [2, [policyTerms]] };

const member: Fields<Member> = {
  nodeId: [1, "uint64"],
  grpcEndpoint: [2, "text"],
  httpUrl: [3, "text"],
  voter: [4, "bool"],
};

const group: Fields<Group> = { groupId: [1, "uint64"], leaderId: [2, "uint64"], term: [3, "uint64"] };

const topology: Fields<Topology> = {
  clusterId: [1, "text"],
  version: [2, "uint64"],
  members: [3, [member]],
  groups: [4, [group]],
  nodeId: [5, "uint64"],
};

const getTopologyResponse: Fields<GetTopologyResponse> = { topology: [1, topology] };

const errorDetail: Fields<ErrorDetail> = {
  reason: [1, "enum"],
  applied: [2, "enum"],
  message: [3, "text"],
  retryAfterMs: [4, "uint64"],
  leaderId: [5, "uint64"],
  term: [6, "uint64"],
  leaderGrpcEndpoint: [7, "text"],
  leaderHttpUrl: [8, "text"],
};

/** @throws {CodecError} when a number is out of the wire's range. */
export function encodeAllowBatchRequest(message: PlainMessage<AllowBatchRequest>): Uint8Array {
  return encodeMessage<AllowBatchRequest>(allowBatchRequest, message);
}

/** @throws {CodecError} when the bytes are none. */
export function decodeAllowBatchResponse(bytes: Uint8Array): PlainMessage<AllowBatchResponse> {
  return decodeMessage<AllowBatchResponse>(allowBatchResponse, bytes);
}

/** @throws {CodecError} when a number is out of the wire's range. */
export function encodePeekRequest(message: PlainMessage<PeekRequest>): Uint8Array {
  return encodeMessage<PeekRequest>(peekRequest, message);
}

/** @throws {CodecError} when the bytes are none. */
export function decodePeekResponse(bytes: Uint8Array): PlainMessage<PeekResponse> {
  return decodeMessage<PeekResponse>(peekResponse, bytes);
}

/** One GetTermsRequest. */
export function encodeGetTermsRequest(message: PlainMessage<GetTermsRequest>): Uint8Array {
  return encodeMessage<GetTermsRequest>(getTermsRequest, message);
}

/** @throws {CodecError} when the bytes are none. */
export function decodeGetTermsResponse(bytes: Uint8Array): PlainMessage<GetTermsResponse> {
  return decodeMessage<GetTermsResponse>(getTermsResponse, bytes);
}

/** It asks for nothing in particular, and so has no bytes. */
export function encodeGetTopologyRequest(): Uint8Array {
  return encodeMessage<GetTopologyRequest>({}, {});
}

/** @throws {CodecError} when the bytes are none. */
export function decodeGetTopologyResponse(bytes: Uint8Array): PlainMessage<GetTopologyResponse> {
  return decodeMessage<GetTopologyResponse>(getTopologyResponse, bytes);
}

/** What travels beside the error of a request. @throws {CodecError} when the bytes are none. */
export function decodeErrorDetail(bytes: Uint8Array): PlainMessage<ErrorDetail> {
  return decodeMessage<ErrorDetail>(errorDetail, bytes);
}
