import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import {
  AdminService,
  type Check,
  ClusterService,
  ErrorDetailSchema,
  GuardService,
  PolicyService,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import type { NodeLog } from "../node/node-log.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { CallError, invalidFieldError } from "./call-error.ts";
import type { ClusterHandlers } from "./cluster-handlers.ts";
import { InvalidField } from "./invalid-field.ts";
import type { PolicyHandlers } from "./policy-handlers.ts";
import type { CallContext, GuardHandlers } from "./unary-handlers.ts";
import { watchTopology } from "./watch-topology.ts";

/** The caller's name as the listener verified it, handed to the routes; empty when nobody proved one. */
export const identityKey: ContextKey<string> = createContextKey("", { description: "caller identity" });

/** The node behind the Connect routes, and the handlers that every listener shares. */
export interface ConnectRoutesOptions {
  readonly node: ClusterNode;
  readonly guard: GuardHandlers;
  readonly cluster: ClusterHandlers;
  readonly policies: PolicyHandlers;
  readonly admin: AdminHandlers;
  readonly log: NodeLog;
}

/** The methods that need no stream from the client, for Connect, gRPC-Web and JSON. Session stays with gRPC. */
export function connectRoutes({
  node,
  guard,
  cluster,
  policies,
  admin,
  log,
}: ConnectRoutesOptions): (router: ConnectRouter) => void {
  const answered = async <T>(answer: () => T | Promise<T>): Promise<T> => {
    try {
      return await answer();
    } catch (error) {
      throw asConnectError(error, log);
    }
  };
  const checked = <I extends { readonly check?: Check | undefined }, O>(
    request: I,
    context: HandlerContext,
    answer: (request: I, context: CallContext) => Promise<O>,
  ): Promise<O> =>
    answered(() => {
      checkDecoded("check.key", request.check, context);
      return answer(request, contextOf(context));
    });
  return (router) => {
    router.service(GuardService, {
      allow: (request, context) => checked(request, context, guard.allow),
      allowBatch: (request, context) =>
        answered(() => {
          for (const [at, { checks }] of request.calls.entries()) {
            for (const [i, check] of checks.entries()) checkDecoded(`calls[${at}].checks[${i}].key`, check, context);
          }
          return guard.allowBatch(request, contextOf(context));
        }),
      peek: (request, context) => checked(request, context, guard.peek),
      reset: (request, context) => checked(request, context, guard.reset),
      reserve: (request, context) => checked(request, context, guard.reserve),
      commit: (request, context) => checked(request, context, guard.commit),
      cancel: (request, context) => checked(request, context, guard.cancel),
      getTerms: (request, context) => answered(() => guard.getTerms(request, contextOf(context))),
    });
    router.service(ClusterService, {
      getTopology: () => answered(() => cluster.getTopology()),
      watchTopology: (_request, context) => watchTopology(node, context.signal),
      getStatus: () => answered(() => cluster.getStatus()),
      transferLeadership: (request) => answered(() => cluster.transferLeadership(request)),
      addMember: (request) => answered(() => cluster.addMember(request)),
      promoteMember: (request) => answered(() => cluster.promoteMember(request)),
      removeMember: (request) => answered(() => cluster.removeMember(request)),
      replaceMember: (request) => answered(() => cluster.replaceMember(request)),
      takeSnapshot: () => answered(() => cluster.takeSnapshot()),
    });
    router.service(PolicyService, {
      getPolicies: (request, context) => answered(() => policies.getPolicies(request, contextOf(context))),
      putPolicies: (request, context) => answered(() => policies.putPolicies(request, contextOf(context))),
      deletePolicies: (request, context) => answered(() => policies.deletePolicies(request, contextOf(context))),
      editPolicies: (request, context) => answered(() => policies.editPolicies(request, contextOf(context))),
      diffPolicies: (request, context) => answered(() => policies.diffPolicies(request, contextOf(context))),
      listPolicyHistory: (request, context) => answered(() => policies.listPolicyHistory(request, contextOf(context))),
      rollbackPolicies: (request, context) => answered(() => policies.rollbackPolicies(request, contextOf(context))),
    });
    router.service(AdminService, {
      explain: (request, context) =>
        answered(() => {
          checkDecoded("key", request, context);
          return admin.explain(request, contextOf(context));
        }),
      listTopKeys: (request, context) => answered(() => admin.listTopKeys(request, contextOf(context))),
      listBans: (request, context) => answered(() => admin.listBans(request, contextOf(context))),
      liftBan: (request, context) =>
        answered(() => {
          checkDecoded("key", request, context);
          return admin.liftBan(request, contextOf(context));
        }),
      setKeyQuota: (request, context) => answered(() => admin.setKeyQuota(request, contextOf(context))),
    });
  };
}

/**
 * JSON is decoded before it reaches us, and decoding puts U+FFFD in place of bytes that are no UTF-8: different keys would
 * become the same and share a counter. Whoever wants the character itself in a key has gRPC or binary Connect.
 */
function checkDecoded(path: string, check: Pick<Check, "key"> | undefined, context: HandlerContext): void {
  if (check === undefined || !check.key.includes("\uFFFD")) return;
  if (!(context.requestHeader.get("content-type") ?? "").includes("json")) return;
  const problem = "it holds U+FFFD, which bytes that are no UTF-8 turn into in JSON; send the key as UTF-8";
  throw invalidFieldError(new InvalidField(path, check.key, problem));
}

function contextOf(context: HandlerContext): CallContext {
  const leftMs = context.timeoutMs();
  return {
    identity: context.values.get(identityKey),
    deadlineMs: leftMs === undefined ? 0 : Math.max(1, Math.ceil(leftMs)),
  };
}

/** An error of a call in Connect's terms. A fault of ours must not tell a stranger more than that; the log has the rest. */
export function asConnectError(error: unknown, log: NodeLog): ConnectError {
  if (error instanceof CallError) {
    const detail = { desc: ErrorDetailSchema, value: error.detail };
    // gRPC and Connect number their codes alike.
    return new ConnectError(error.message, error.code as Code, undefined, [detail]);
  }
  log("error", "call-fault", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
  return new ConnectError("this node failed on the call; its log says why", Code.Internal);
}
