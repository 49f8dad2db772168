import { create } from "@bufbuild/protobuf";
import {
  type AddMemberRequest,
  type AddMemberResponse,
  AddMemberResponseSchema,
  type MemberState,
  MemberStateSchema,
  type PromoteMemberRequest,
  type PromoteMemberResponse,
  PromoteMemberResponseSchema,
  type RemoveMemberRequest,
  type RemoveMemberResponse,
  RemoveMemberResponseSchema,
  type ReplaceMemberRequest,
  type ReplaceMemberResponse,
  ReplaceMemberResponseSchema,
} from "@quorumguard/proto";
import { MemberChangeError } from "../node/member-change-error.ts";
import type { ClusterNode, MemberChange, MemberView } from "../node/node.ts";
import { parseAddress } from "../transport/tcp-options.ts";
import { CallError, failureDetail, invalidFieldError, StatusCode } from "./call-error.ts";
import { InvalidField } from "./invalid-field.ts";

/** The calls of ClusterService that change the members, for any transport. Every rejection is a {@link CallError}. */
export interface MemberHandlers {
  addMember(request: AddMemberRequest): Promise<AddMemberResponse>;
  promoteMember(request: PromoteMemberRequest): Promise<PromoteMemberResponse>;
  removeMember(request: RemoveMemberRequest): Promise<RemoveMemberResponse>;
  replaceMember(request: ReplaceMemberRequest): Promise<ReplaceMemberResponse>;
}

/** No address is longer: a host name has at most 253 bytes. */
const maxAddressLength = 300;

/** Answers the calls from a node. */
export function createMemberHandlers(node: ClusterNode): MemberHandlers {
  const change = async (wanted: MemberChange): Promise<MemberState[]> => {
    try {
      return memberStates(await node.changeMembers(wanted));
    } catch (error) {
      throw asCallError(error, node);
    }
  };
  return {
    async addMember({ nodeId, peerAddress }) {
      const id = idOf("node_id", nodeId);
      checkAddress(peerAddress);
      const members = await change({
        kind: "add",
        nodeId: id,
        ...(peerAddress === "" ? {} : { address: peerAddress }),
      });
      return create(AddMemberResponseSchema, { members });
    },
    async promoteMember({ nodeId }) {
      const members = await change({ kind: "promote", nodeId: idOf("node_id", nodeId) });
      return create(PromoteMemberResponseSchema, { members });
    },
    async removeMember({ nodeId }) {
      const members = await change({ kind: "remove", nodeId: idOf("node_id", nodeId) });
      return create(RemoveMemberResponseSchema, { members });
    },
    async replaceMember({ nodeId, byNodeId }) {
      const by = idOf("by_node_id", byNodeId);
      const members = await change({ kind: "replace", nodeId: idOf("node_id", nodeId), by });
      return create(ReplaceMemberResponseSchema, { members });
    },
  };
}

/** Members as a node sees them, on the wire. */
export function memberStates(members: readonly MemberView[]): MemberState[] {
  return members.map(({ nodeId, role, peerAddress, matchIndex, lag, heardMsAgo }) =>
    create(MemberStateSchema, {
      nodeId: BigInt(nodeId),
      voter: role === "voter",
      peerAddress,
      ...(matchIndex === null ? {} : { matchIndex: BigInt(matchIndex) }),
      ...(lag === null ? {} : { lag: BigInt(lag) }),
      ...(heardMsAgo === null ? {} : { heardMsAgo: BigInt(heardMsAgo) }),
    }),
  );
}

function idOf(field: string, id: bigint): number {
  if (id >= 1n && id <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(id);
  throw invalidFieldError(new InvalidField(field, id, "it must be a node's id, 1 to 2^53-1"));
}

function checkAddress(address: string): void {
  if (address === "" || (address.length <= maxAddressLength && parseAddress(address) !== null)) return;
  throw invalidFieldError(new InvalidField("peer_address", address, "it must be host:port, such as 10.0.0.4:7401"));
}

/** What the node refused is an answer, not a fault. */
function asCallError(error: unknown, node: ClusterNode): unknown {
  if (!(error instanceof MemberChangeError)) return error;
  const { reason, message, leaderId, term } = error;
  const isUnknown = reason === "unknown";
  const failure = {
    reason: reason === "not-leader" ? ("not-leader" as const) : ("unavailable" as const),
    applied: isUnknown ? ("unknown" as const) : ("no" as const),
    message,
    retryAfterMs: 0,
    leaderId,
    term,
  };
  // Generic clients would retry "unavailable" by themselves.
  const code = isUnknown ? StatusCode.unknown : StatusCode.failedPrecondition;
  return new CallError(code, failureDetail(failure, node.topology()));
}
