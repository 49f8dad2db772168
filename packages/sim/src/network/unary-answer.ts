import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AllowBatchRequestSchema,
  AllowBatchResponseSchema,
  ErrorDetailSchema,
  GetTermsRequestSchema,
  GetTermsResponseSchema,
  GetTopologyResponseSchema,
  PeekRequestSchema,
  PeekResponseSchema,
} from "@quorumguard/proto";
import { TransportError, type UnaryCall } from "@quorumguard/sdk-core";
import { CallError, createClusterHandlers, createGuardHandlers } from "../production.ts";
import type { Process } from "../world/process.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { ListeningNode } from "./client-network.ts";
import type { Links } from "./links.ts";

/** Carries one unary call to a node and its answer back, over a connection that may break on the way. */
export function answerUnary(
  world: World,
  links: Links,
  random: Random,
  client: Process,
  server: ListeningNode | null,
  machine: string,
  call: UnaryCall,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (label: string, delayUs: number, finish: () => void) => {
      world.schedule(delayUs, client, label, () => {
        if (settled) return;
        settled = true;
        finish();
      });
    };
    settle("unary timeout", call.timeoutMs * 1000, () => reject(new TransportError("unknown", "no answer in time")));
    call.signal?.addEventListener("abort", () =>
      settle("unary aborted", 0, () => reject(new TransportError("unknown", "aborted"))),
    );
    if (server === null) {
      settle("unary refused", 500, () => reject(new TransportError("not-sent", "connection refused")));
      return;
    }
    const request = call.request.slice();
    world.trace.bytes(request);
    world.schedule(links.delayUs(random), server.process, `unary ${call.method}`, async () => {
      const answer = await handle(server, call.method, request, call.timeoutMs);
      const lost = links.isCut(server.machine, machine) || random.chance(links.conditions.streamBreak);
      settle(`unary answer ${call.method}`, links.delayUs(random), () => {
        if (lost) reject(new TransportError("unknown", "connection reset"));
        else if (answer instanceof CallError)
          reject(
            new TransportError("rejected", answer.message, { detail: toBinary(ErrorDetailSchema, answer.detail) }),
          );
        else resolve(answer);
      });
    });
  });
}

async function handle(
  server: ListeningNode,
  method: UnaryCall["method"],
  request: Uint8Array,
  deadlineMs: number,
): Promise<Uint8Array | CallError> {
  const guard = createGuardHandlers(server.node);
  const context = { identity: "", deadlineMs };
  try {
    switch (method) {
      case "GuardService/AllowBatch":
        return toBinary(
          AllowBatchResponseSchema,
          await guard.allowBatch(fromBinary(AllowBatchRequestSchema, request), context),
        );
      case "GuardService/Peek":
        return toBinary(PeekResponseSchema, await guard.peek(fromBinary(PeekRequestSchema, request), context));
      case "GuardService/GetTerms":
        return toBinary(
          GetTermsResponseSchema,
          await guard.getTerms(fromBinary(GetTermsRequestSchema, request), context),
        );
      case "ClusterService/GetTopology":
        return toBinary(GetTopologyResponseSchema, createClusterHandlers(server.node, "sim").getTopology());
    }
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
}
