import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import {
  AdminService,
  type Check,
  ClusterService,
  ErrorDetailSchema,
  ErrorReason,
  GuardService,
  PolicyService,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import type { NodeLog } from "../node/node-log.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { CallError, invalidFieldError, StatusCode } from "./call-error.ts";
import type { ClusterHandlers } from "./cluster-handlers.ts";
import { InvalidField } from "./invalid-field.ts";
import type { PolicyHandlers } from "./policy-handlers.ts";
import type { AccessGate, Caller } from "./tokens/access-gate.ts";
import type { AdmittedContext, Scoped } from "./tokens/scoped.ts";
import type { ScopedGuard } from "./tokens/scoped-guard.ts";
import { whileGood } from "./tokens/token-life.ts";
import { watchTopology } from "./watch-topology.ts";

/** Who calls, as the listener made sure of it, handed to the routes; or what refuses the call. Null: it came past the listener. */
export const callerKey: ContextKey<Caller | ConnectError | null> = createContextKey<Caller | ConnectError | null>(
  null,
  { description: "caller" },
);

/** Refuses what the listener has refused, in the words of the call's own protocol. */
export const refuseStrangers: Interceptor = (next) => async (request) => {
  admitted(request.contextValues.get(callerKey));
  return next(request);
};

function admitted(caller: Caller | ConnectError | null): Caller {
  // Not the key's default: an error loads Node's `fetch` for its headers, a twentieth of a second of each start.
  if (caller === null) throw new ConnectError("the call came past the listener", Code.Internal);
  if (caller instanceof ConnectError) throw caller;
  return caller;
}

/** The node behind the Connect routes, and the handlers that every listener shares. */
export interface ConnectRoutesOptions {
  readonly node: ClusterNode;
  readonly guard: ScopedGuard;
  readonly cluster: ClusterHandlers;
  readonly policies: Scoped<PolicyHandlers>;
  readonly admin: Scoped<AdminHandlers>;
  readonly log: NodeLog;
  /** Lets calls in; null: everybody may do everything. */
  readonly access: AccessGate | null;
}

/** The methods that need no stream from the client, for Connect, gRPC-Web and JSON. Session stays with gRPC. */
export function connectRoutes({
  node,
  guard,
  cluster,
  policies,
  admin,
  log,
  access,
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
    answer: (request: I, context: AdmittedContext) => Promise<O>,
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
      async *watchTopology(_request, context) {
        try {
          const { token } = contextOf(context);
          yield* watchTopology(node, context.signal, (end) => whileGood(token, access, end));
        } catch (error) {
          throw asConnectError(error, log);
        }
      },
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

function contextOf(context: HandlerContext): AdmittedContext {
  const leftMs = context.timeoutMs();
  return {
    ...admitted(context.values.get(callerKey)),
    deadlineMs: leftMs === undefined ? 0 : Math.max(1, Math.ceil(leftMs)),
  };
}

/** An error of a call in Connect's terms. A fault of ours must not tell a stranger more than that; the log has the rest. */
export function asConnectError(error: unknown, log: NodeLog): ConnectError {
  if (error instanceof CallError) {
    const detail = { desc: ErrorDetailSchema, value: error.detail };
    // gRPC and Connect number their codes alike.
    return new ConnectError(error.message, error.code as Code, headersOf(error), [detail]);
  }
  if (error instanceof ConnectError) return error;
  log("error", "call-fault", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
  return new ConnectError("this node failed on the call; its log says why", Code.Internal);
}

/** HTTP wants to be told how to come again (RFC 6750, section 3), and when; without any token, nothing was wrong with it. */
function headersOf({ code, detail }: CallError): Record<string, string> {
  if (code === StatusCode.resourceExhausted && detail.retryAfterMs > 0n) {
    return { "Retry-After": String(Math.ceil(Number(detail.retryAfterMs) / 1_000)) };
  }
  if (code !== StatusCode.unauthenticated) return {};
  const isMissing = detail.reason === ErrorReason.TOKEN_MISSING;
  return { "WWW-Authenticate": isMissing ? "Bearer" : 'Bearer error="invalid_token"' };
}
