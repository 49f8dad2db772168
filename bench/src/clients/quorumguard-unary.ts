import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Algorithm, AllowRequestSchema, AllowResponseSchema, Outcome } from "@quorumguard/proto";
import type { Client, ClientPlace } from "../client.ts";
import { createGrpcCaller } from "./grpc-caller.ts";

/** Plain gRPC without our SDK: one unary call per decision, by grpc-js and the usual protobuf, as any language would. */
export function openQuorumGuardUnary({ endpoints, rule }: ClientPlace): Client<Buffer> {
  const caller = createGrpcCaller(endpoints, "/quorumguard.v1.GuardService/Allow");
  const { limit, windowMs } = rule;
  const wireRule = { limit, windowUs: BigInt(windowMs * 1_000), algorithm: Algorithm.TOKEN_BUCKET };
  return {
    decisionsPerCall: 1,
    call(key) {
      const request = create(AllowRequestSchema, { check: { key, rule: wireRule } });
      return caller.call(toBinary(AllowRequestSchema, request));
    },
    outcomeOf(answer) {
      const reply = fromBinary(AllowResponseSchema, answer);
      return reply.decision?.outcome === Outcome.ALLOWED ? "allowed" : "denied";
    },
    close: async () => caller.close(),
  };
}
