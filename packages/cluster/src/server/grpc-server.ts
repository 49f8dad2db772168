import { Buffer } from "node:buffer";
import type { Server as NetServer } from "node:net";
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type handleUnaryCall, Server, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  AddMemberRequestSchema,
  AddMemberResponseSchema,
  AdminService,
  AllowBatchRequestSchema,
  AllowBatchResponseSchema,
  AllowRequestSchema,
  AllowResponseSchema,
  CancelRequestSchema,
  CancelResponseSchema,
  ClusterService,
  CommitRequestSchema,
  CommitResponseSchema,
  ErrorReason,
  GetStatusRequestSchema,
  GetStatusResponseSchema,
  GetTermsRequestSchema,
  GetTermsResponseSchema,
  GetTopologyRequestSchema,
  GetTopologyResponseSchema,
  GuardService,
  PeekRequestSchema,
  PeekResponseSchema,
  PolicyService,
  PromoteMemberRequestSchema,
  PromoteMemberResponseSchema,
  RemoveMemberRequestSchema,
  RemoveMemberResponseSchema,
  ReplaceMemberRequestSchema,
  ReplaceMemberResponseSchema,
  ReserveRequestSchema,
  ReserveResponseSchema,
  ResetRequestSchema,
  ResetResponseSchema,
  TakeSnapshotRequestSchema,
  TakeSnapshotResponseSchema,
  TransferLeadershipRequestSchema,
  TransferLeadershipResponseSchema,
  WatchTopologyResponseSchema,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import type { NodeLog } from "../node/node-log.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { CallError, invalidFieldError, refusalDetail, StatusCode } from "./call-error.ts";
import type { ClusterHandlers } from "./cluster-handlers.ts";
import { edgeLimits } from "./edge-limits.ts";
import { type GrpcAccess, grpcAccess } from "./grpc-access.ts";
import { grpcCredentials } from "./grpc-credentials.ts";
import { bytesDefinition } from "./grpc-definition.ts";
import { grpcStatus } from "./grpc-errors.ts";
import { createGrpcSessions } from "./grpc-session.ts";
import { InvalidField } from "./invalid-field.ts";
import { listenError } from "./listen-error.ts";
import type { PolicyHandlers } from "./policy-handlers.ts";
import { ReplyTurns } from "./reply-turns.ts";
import { checkBinaryParts } from "./request-parts.ts";
import type { SessionHandlerOptions } from "./session-handler.ts";
import { Health } from "./standard/health.ts";
import { addReflection } from "./standard/reflection.ts";
import { healthService } from "./standard/standard-services.ts";
import type { TlsMaterial } from "./tls-material.ts";
import type { AccessGate, Caller } from "./tokens/access-gate.ts";
import type { AdmittedContext, Scoped } from "./tokens/scoped.ts";
import type { ScopedGuard } from "./tokens/scoped-guard.ts";
import { whileGood } from "./tokens/token-life.ts";
import { callsOfBytes } from "./tokens/token-usage.ts";
import { UnaryLoad } from "./unary-load.ts";
import { wireTopology } from "./wire-topology.ts";
import { letYoungGenerationGrow } from "./young-generation.ts";

/** Where the gRPC listener listens, for whom, and the node that answers. */
export interface GrpcServerOptions {
  readonly node: ClusterNode;
  readonly guard: ScopedGuard;
  readonly cluster: ClusterHandlers;
  readonly policies: Scoped<PolicyHandlers>;
  readonly admin: Scoped<AdminHandlers>;
  readonly session: SessionHandlerOptions;
  readonly log: NodeLog;
  /** Lets calls in; null: everybody may do everything. */
  readonly access: AccessGate | null;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: TlsMaterial | null;
  /** Session streams open at once; as many topology watches beside them, and as many health watches. */
  readonly maxStreams: number;
  /** Connections open at once. */
  readonly maxConnections: number;
  /** See GrpcSessionOptions. */
  readonly helloTimeoutMs?: number;
}

/** A gRPC server that listens; it tells clients to move before it closes. */
export interface GrpcListener {
  readonly port: number;
  /** What the standard health service answers. */
  setServing(serving: boolean): void;
  /** Tells every session to move. */
  drain(): void;
  /** Lets calls in flight finish for so long, then closes. */
  close(graceMs: number): Promise<void>;
}

/** Listens for gRPC: all services, reflection and health. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcListener> {
  const access = grpcAccess(options.access, (error) => grpcStatus(asCallError(error, options.log)));
  const server = new Server({ ...channelOptions, interceptors: access.interceptors });
  const sessions = createGrpcSessions({ ...options, tokenOf: (call) => access.callerOf(call).token });
  const health = new Health([GuardService.typeName]);
  const replies = new ReplyTurns(repliesPerTurn);
  const serving = {
    log: options.log,
    callerOf: access.callerOf,
    access: options.access,
    replies,
    load: new UnaryLoad(letYoungGenerationGrow),
  };
  addGuardService(server, options, serving, sessions.serve);
  addClusterService(server, options, serving);
  addUnaryService(server, PolicyService, options.policies, serving);
  addUnaryService(server, AdminService, options.admin, serving);
  addReflection(server, [GuardService, ClusterService, PolicyService, AdminService, healthService]);
  addHealth(server, health, options.maxStreams);
  const port = await bind(server, options);
  return {
    port,
    setServing: (serving) => health.setServing(serving),
    drain: () => sessions.drain(),
    close(graceMs) {
      sessions.end();
      return shutDown(server, graceMs);
    },
  };
}

/** Half of what 64 callers wait for, so that some ask again while others are answered: 1.1 to 1.15 × as many calls. */
const repliesPerTurn = 32;

/** Keepalive finds clients that vanished without a word; a message above the bound is refused before it is buffered whole. */
const channelOptions = {
  "grpc.max_receive_message_length": edgeLimits.maxMessageBytes,
  "grpc.max_send_message_length": 4 * edgeLimits.maxMessageBytes,
  "grpc.max_concurrent_streams": 4_096,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
};

function addGuardService(
  server: Server,
  { guard }: GrpcServerOptions,
  serving: Serving,
  session: ReturnType<typeof createGrpcSessions>["serve"],
): void {
  server.addService(bytesDefinition(GuardService), {
    Allow: unary(AllowRequestSchema, AllowResponseSchema, guard.allow, serving),
    AllowBatch: unary(AllowBatchRequestSchema, AllowBatchResponseSchema, guard.allowBatch, serving),
    Peek: unary(PeekRequestSchema, PeekResponseSchema, guard.peek, serving),
    Reset: unary(ResetRequestSchema, ResetResponseSchema, guard.reset, serving),
    Reserve: unary(ReserveRequestSchema, ReserveResponseSchema, guard.reserve, serving),
    Commit: unary(CommitRequestSchema, CommitResponseSchema, guard.commit, serving),
    Cancel: unary(CancelRequestSchema, CancelResponseSchema, guard.cancel, serving),
    GetTerms: unary(GetTermsRequestSchema, GetTermsResponseSchema, guard.getTerms, serving),
    Session: session,
  });
}

function addClusterService(
  server: Server,
  { cluster, node, maxStreams, access }: GrpcServerOptions,
  serving: Serving,
): void {
  const watches = new Set<object>();
  server.addService(bytesDefinition(ClusterService), {
    GetTopology: unary(GetTopologyRequestSchema, GetTopologyResponseSchema, () => cluster.getTopology(), serving),
    GetStatus: unary(GetStatusRequestSchema, GetStatusResponseSchema, () => cluster.getStatus(), serving),
    TransferLeadership: unary(
      TransferLeadershipRequestSchema,
      TransferLeadershipResponseSchema,
      cluster.transferLeadership,
      serving,
    ),
    AddMember: unary(AddMemberRequestSchema, AddMemberResponseSchema, cluster.addMember, serving),
    PromoteMember: unary(PromoteMemberRequestSchema, PromoteMemberResponseSchema, cluster.promoteMember, serving),
    RemoveMember: unary(RemoveMemberRequestSchema, RemoveMemberResponseSchema, cluster.removeMember, serving),
    ReplaceMember: unary(ReplaceMemberRequestSchema, ReplaceMemberResponseSchema, cluster.replaceMember, serving),
    TakeSnapshot: unary(TakeSnapshotRequestSchema, TakeSnapshotResponseSchema, () => cluster.takeSnapshot(), serving),
    WatchTopology: (call: ServerWritableStream<Buffer, Buffer>) => {
      const end = (error: unknown) => call.emit("error", grpcStatus(asCallError(error, serving.log)));
      try {
        const stop = whileGood(serving.callerOf(call).token, access, end);
        for (const event of ["cancelled", "close", "error"]) call.on(event, stop);
      } catch (error) {
        end(error);
        return;
      }
      watchTopology(call, node, watches, maxStreams);
    },
  });
}

/** The handlers of a service that has only unary methods, by the names of the methods. */
type UnaryHandlers<S extends DescService> = {
  readonly [M in keyof S["method"]]: (
    request: MessageShape<S["method"][M]["input"]>,
    context: AdmittedContext,
  ) => Promise<MessageShape<S["method"][M]["output"]>>;
};

function addUnaryService<S extends DescService>(
  server: Server,
  service: S,
  handlers: UnaryHandlers<S>,
  serving: Serving,
): void {
  const methods = service.methods.map((method) => {
    const answer = handlers[method.localName as keyof S["method"]];
    return [method.name, unary(method.input, method.output, answer as never, serving)] as const;
  });
  server.addService(bytesDefinition(service), Object.fromEntries(methods));
}

/** Health needs no token: whoever reaches the port may watch it, but not without end. */
function addHealth(server: Server, health: Health, maxStreams: number): void {
  const watches = new Set<object>();
  health.addTo(server, (watch) => opened(watch, watches, maxStreams));
}

/** Counts a watch until it ends; false: there are too many, and it has ended. */
function opened(call: ServerWritableStream<unknown, unknown>, watches: Set<object>, maxStreams: number): boolean {
  if (watches.size >= maxStreams) {
    call.emit("error", {
      code: status.RESOURCE_EXHAUSTED,
      details: `${watches.size} watches are open, the most there may be`,
    });
    return false;
  }
  watches.add(call);
  for (const event of ["cancelled", "close", "error"]) call.on(event, () => watches.delete(call));
  return true;
}

function watchTopology(
  call: ServerWritableStream<Buffer, Buffer>,
  node: ClusterNode,
  watches: Set<object>,
  maxStreams: number,
): void {
  if (!opened(call, watches, maxStreams)) return;
  const send = (topology: ReturnType<ClusterNode["topology"]>) => {
    const response = create(WatchTopologyResponseSchema, { topology: wireTopology(topology) });
    call.write(Buffer.from(toBinary(WatchTopologyResponseSchema, response)));
  };
  send(node.topology());
  const end = node.onTopology(send);
  for (const event of ["cancelled", "close", "error"]) call.on(event, end);
}

/** What every handler needs besides its answer. */
interface Serving {
  readonly log: NodeLog;
  readonly callerOf: GrpcAccess["callerOf"];
  readonly access: AccessGate | null;
  readonly replies: ReplyTurns;
  readonly load: UnaryLoad;
}

/** A unary handler over bytes. Whatever goes wrong becomes a status with a typed detail. */
function unary<I extends DescMessage, O extends DescMessage>(
  input: I,
  output: O,
  answer: (request: MessageShape<I>, context: AdmittedContext) => MessageShape<O> | Promise<MessageShape<O>>,
  { log, callerOf, access, replies, load }: Serving,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    load.begin();
    const run = async () => {
      const caller = callerOf(call);
      const paid = access?.spend(caller, callsOfBytes(call.request.length)) ?? caller;
      return answer(decode(input, call.request), contextOf(call, paid));
    };
    run().then(
      (response) => {
        load.end();
        replies.run(() => callback(null, Buffer.from(toBinary(output, response))));
      },
      (error) => {
        load.end();
        callback(grpcStatus(asCallError(error, log)));
      },
    );
  };
}

function decode<I extends DescMessage>(input: I, bytes: Buffer): MessageShape<I> {
  try {
    checkBinaryParts(input, bytes);
    return fromBinary(input, bytes);
  } catch (error) {
    if (error instanceof InvalidField) throw invalidFieldError(error);
    const message = `the request is not a ${input.typeName}: ${error instanceof Error ? error.message : String(error)}`;
    throw new CallError(StatusCode.invalidArgument, refusalDetail(ErrorReason.INVALID_ARGUMENT, message));
  }
}

/** A fault of ours must not tell a stranger more than that; the operator's log has the rest. */
function asCallError(error: unknown, log: NodeLog): CallError {
  if (error instanceof CallError) return error;
  log("error", "call-fault", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
  return new CallError(
    StatusCode.internal,
    refusalDetail(ErrorReason.UNAVAILABLE, "this node failed on the call; its log says why"),
  );
}

function contextOf(call: ServerUnaryCall<Buffer, Buffer>, caller: Caller): AdmittedContext {
  const deadline = call.getDeadline();
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  const leftMs = Number.isFinite(at) ? Math.max(1, Math.ceil(at - Date.now())) : 0;
  return { ...caller, deadlineMs: leftMs };
}

function bind(server: Server, { host, port, tls, access, maxConnections }: GrpcServerOptions): Promise<number> {
  const credentials = grpcCredentials(tls, access !== null);
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error !== null) {
        reject(listenError("gRPC", address, error));
        return;
      }
      // The library has no bound of its own, and who opens connections without end takes the files that the log needs.
      const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<NetServer, unknown> };
      for (const listener of http2Servers.keys()) listener.maxConnections = maxConnections;
      resolve(bound);
    });
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
