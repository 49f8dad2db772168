import { create } from "@bufbuild/protobuf";
import {
  AddMemberRequestSchema,
  Applied,
  ErrorReason,
  PromoteMemberRequestSchema,
  RemoveMemberRequestSchema,
  ReplaceMemberRequestSchema,
} from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { MemberChangeError } from "../node/member-change-error.ts";
import { StatusCode } from "./call-error.ts";
import { createMemberHandlers } from "./member-handlers.ts";
import { rejection } from "./rejection.fixture.ts";
import { createScriptedNode } from "./scripted-node.fixture.ts";

describe("the calls that change members", () => {
  it("reach the node as what was asked for, and answer with all members", async () => {
    const node = createScriptedNode();
    const handlers = createMemberHandlers(node);
    const { members } = await handlers.addMember(
      create(AddMemberRequestSchema, { nodeId: 4n, peerAddress: "[::1]:1" }),
    );
    await handlers.addMember(create(AddMemberRequestSchema, { nodeId: 5n }));
    await handlers.promoteMember(create(PromoteMemberRequestSchema, { nodeId: 4n }));
    await handlers.removeMember(create(RemoveMemberRequestSchema, { nodeId: 3n }));
    await handlers.replaceMember(create(ReplaceMemberRequestSchema, { nodeId: 2n, byNodeId: 5n }));
    expect(node.changes).toEqual([
      { kind: "add", nodeId: 4, address: "[::1]:1" },
      { kind: "add", nodeId: 5 },
      { kind: "promote", nodeId: 4 },
      { kind: "remove", nodeId: 3 },
      { kind: "replace", nodeId: 2, by: 5 },
    ]);
    expect(members).toMatchObject([
      { nodeId: 1n, voter: true, peerAddress: "node1.example:7401", matchIndex: 40n, lag: 0n, heardMsAgo: 0n },
      { nodeId: 2n, voter: true },
      { nodeId: 3n, voter: false },
    ]);
    expect(members[2]).not.toHaveProperty("matchIndex", expect.anything());
  });

  it.each([
    ["node_id", () => create(AddMemberRequestSchema, { nodeId: 0n })],
    ["node_id", () => create(AddMemberRequestSchema, { nodeId: 2n ** 60n })],
    ["peer_address", () => create(AddMemberRequestSchema, { nodeId: 4n, peerAddress: "nowhere" })],
    ["peer_address", () => create(AddMemberRequestSchema, { nodeId: 4n, peerAddress: `${"h".repeat(400)}:1` })],
  ])("refuse a %s out of bounds before the node is asked", async (field, request) => {
    const node = createScriptedNode();
    const error = await rejection(createMemberHandlers(node).addMember(request()));
    expect(error.code).toBe(StatusCode.invalidArgument);
    expect(error.message).toContain(field);
    expect(node.changes).toEqual([]);
  });

  it.each([
    ["not-leader", StatusCode.failedPrecondition, ErrorReason.NOT_LEADER, Applied.NO],
    ["refused", StatusCode.failedPrecondition, ErrorReason.UNAVAILABLE, Applied.NO],
    // Not "unavailable", which clients would take for leave to try again.
    ["unknown", StatusCode.unknown, ErrorReason.UNAVAILABLE, Applied.UNKNOWN],
  ] as const)("say of a change that is %s what became of it", async (reason, code, wireReason, applied) => {
    const node = createScriptedNode();
    node.changeMembers = async () => Promise.reject(new MemberChangeError(reason, "why not", 2, 5));
    const error = await rejection(
      createMemberHandlers(node).removeMember(create(RemoveMemberRequestSchema, { nodeId: 3n })),
    );
    expect(error).toMatchObject({ code, message: "why not" });
    expect(error.detail).toMatchObject({ reason: wireReason, applied, leaderId: 2n, term: 5n });
    expect(error.detail.leaderGrpcEndpoint).toBe("node2.example:7400");
  });
});
