import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import { CallError, invalidFieldError, refusalDetail, StatusCode } from "./call-error.ts";
import {
  asConnectError,
  type ConnectRoutesOptions,
  callerKey,
  connectRoutes,
  refuseStrangers,
} from "./connect-routes.ts";
import { edgeLimits } from "./edge-limits.ts";
import {
  announcedBytes,
  BodyTooLarge,
  emptyEnvelope,
  isJson,
  type JudgedBody,
  judgeEnvelope,
  judgeMessage,
  once,
  type PayForBytes,
  readEnvelope,
  readMessage,
} from "./http-body.ts";
import { replyProblem } from "./http-reply.ts";
import { InvalidField } from "./invalid-field.ts";
import type { Caller } from "./tokens/access-gate.ts";
import { callsOfBytes } from "./tokens/token-usage.ts";

/** The node behind the calls, and what ends them when the listener stops. */
export interface HttpCallsOptions extends ConnectRoutesOptions {
  readonly stopping: AbortSignal;
  /** Who calls the method at a path. Rejects with the CallError to answer with. */
  readonly callerOf: (request: IncomingMessage, path: string) => Caller | Promise<Caller>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A person with curl likes to see zeros. */
const jsonOptions = { ignoreUnknownFields: false, alwaysEmitImplicit: true };

/**
 * Answers Connect, gRPC-Web and JSON calls. What a caller got wrong is told in our words, with a typed detail: the library
 * decodes, but its refusals name neither bound nor remedy, and some have no text at all.
 */
export function createHttpCalls(options: HttpCallsOptions): Handler {
  const router = createConnectRouter({
    // A thousand bytes would become a megabyte before anybody has judged them; our clients compress nothing.
    acceptCompression: [],
    readMaxBytes: edgeLimits.maxMessageBytes,
    maxTimeoutMs: 600_000,
    jsonOptions,
    interceptors: [refuseStrangers],
    shutdownSignal: options.stopping,
  });
  connectRoutes(options)(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    const problem =
      handler === undefined ? noSuchPath(request, [...handlers.keys()]) : misused(request, handler, options);
    if (handler === undefined || problem !== null) {
      if (problem !== null) replyProblem(response, problem.status, problem.message, problem.headers);
      // What was sent along is read and forgotten, so that the connection can be used again.
      request.resume();
      return;
    }
    answer(handler, request, response, options).catch((error: unknown) => {
      // A caller that hung up has aborted its call; anything else is ours.
      if (ConnectError.from(error).code === Code.Aborted || request.errored !== null || response.destroyed) return;
      options.log("error", "call-fault", { error: String(error) });
      response.destroy();
    });
  };
}

interface Problem {
  readonly status: number;
  readonly message: string;
  readonly headers?: Record<string, string>;
}

function noSuchPath(request: IncomingMessage, paths: readonly string[]): Problem {
  const asked = (request.url ?? "").slice(0, 100);
  const calls = paths.map((path) => `POST ${path}`);
  const pages = ["GET /healthz", "GET /readyz", "GET /metrics"];
  return {
    status: 404,
    message: `there is no ${request.method} ${asked} here; there is ${[...calls, ...pages].join(", ")}`,
  };
}

/** What is wrong with method or content type, if anything: the library would answer with an empty body. */
function misused(
  request: IncomingMessage,
  handler: UniversalHandler,
  { node, access }: HttpCallsOptions,
): Problem | null {
  const path = handler.requestPath;
  const how = example(handler);
  if (!handler.allowedMethods.includes(request.method ?? "")) {
    const message = `${request.method} is not how ${path} is called: send ${how}`;
    return { status: 405, message, headers: { Allow: handler.allowedMethods.join(", ") } };
  }
  const type = request.headers["content-type"];
  const sent =
    type === undefined ? "there is no content-type" : `the content-type is ${JSON.stringify(type.slice(0, 100))}`;
  if (type !== undefined && /^application\/grpc(\+|;|$)/i.test(type)) {
    const { members, nodeId } = node.topology();
    // Where tokens are asked for, nobody has shown one yet.
    const own = access === null ? (members.find((member) => member.nodeId === nodeId)?.grpcEndpoint ?? "") : "";
    const where = own === "" ? "the node's gRPC port (7400 by default)" : `this node's gRPC port, ${own}`;
    return { status: 415, message: `${sent}: this is the HTTP port, which takes gRPC-Web; gRPC is spoken at ${where}` };
  }
  if (request.method === "POST" && !handler.supportedContentType(type ?? null)) {
    return { status: 415, message: `${sent}: send ${how}` };
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    const found = `the content-encoding is ${JSON.stringify(encoding.slice(0, 100))}`;
    const message = `${found}: send the body as it is, since nodes decompress nothing`;
    return { status: 415, message, headers: { "Accept-Encoding": "identity" } };
  }
  return null;
}

function example({ requestPath: path, method }: UniversalHandler): string {
  if (method.methodKind !== "unary") {
    // One JSON object is no stream: each message travels in an envelope, which a client library writes and reads.
    return `POST ${path} with "content-type: application/connect+json" (a Connect stream) or "application/grpc-web+proto", best through a client library: it answers with a stream of messages`;
  }
  return `POST ${path} with "content-type: application/json" and a JSON object as body`;
}

async function answer(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpCallsOptions,
): Promise<void> {
  const admitted = await callerOf(request, handler, options);
  let answered: UniversalServerResponse;
  try {
    const read = isUnaryConnect(request, handler.method) ? readPlain : readEnveloped;
    const { caller, body } = await read(admitted, request, handler, options);
    const values = createContextValues().set(callerKey, caller);
    const called = universalRequestFromNodeRequest(request, response, undefined, values);
    answered = await handler(body === null ? called : { ...called, body });
  } catch (error) {
    answered = refusalOf(error, options);
    // A connection that is closed over an unread rest is reset, and a proxy may lose the answer with it: only a long rest is worth that.
    const isRest = error instanceof BodyTooLarge || error instanceof ConnectError;
    const isLong = (announcedBytes(request) ?? Number.POSITIVE_INFINITY) > forgottenBytes;
    if (isRest && isLong) answered.header?.set("Connection", "close");
  }
  await universalResponseToNodeResponse(await withDetail(answered), response);
  request.resume();
}

/** Who calls, or what refuses the call. */
async function callerOf(
  request: IncomingMessage,
  { requestPath }: UniversalHandler,
  options: HttpCallsOptions,
): Promise<Caller | ConnectError> {
  try {
    return await options.callerOf(request, requestPath);
  } catch (error) {
    return asConnectError(error, options.log);
  }
}

/** What was thrown before the call reached its handler. */
function refusalOf(error: unknown, { log }: HttpCallsOptions): UniversalServerResponse {
  if (error instanceof ConnectError) return refusal(error, refusalStatus.get(error.code) ?? 500);
  if (!(error instanceof InvalidField)) throw error;
  return refusal(asConnectError(invalidFieldError(error), log), error instanceof BodyTooLarge ? 413 : 400);
}

const refusalStatus: ReadonlyMap<Code, number> = new Map([
  [Code.Unauthenticated, 401],
  [Code.PermissionDenied, 403],
  [Code.ResourceExhausted, 429],
]);

/** So much of a body that is refused is read and forgotten. */
const forgottenBytes = 4 * edgeLimits.maxMessageBytes;

function isUnaryConnect(request: IncomingMessage, method: DescMethod): boolean {
  return (
    request.method === "POST" &&
    method.methodKind === "unary" &&
    /^application\/(json|proto)\b/i.test(request.headers["content-type"] ?? "")
  );
}

/** What the library gets to answer: who calls, or what refuses the call, and the body; null: as it comes. */
interface ReadRequest {
  readonly caller: Caller | ConnectError;
  readonly body: JudgedBody | null;
}

/** Reads a call that is one message and no more. Whoever may not call is told before a byte of it is read. */
async function readPlain(
  caller: Caller | ConnectError,
  request: IncomingMessage,
  { method: { input } }: UniversalHandler,
  options: HttpCallsOptions,
): Promise<ReadRequest> {
  if (caller instanceof ConnectError) throw caller;
  const { paid, bytes } = await readPaid(readMessage, caller, request, options);
  return { caller: paid, body: judgeMessage(input, bytes, isJson(request)) };
}

/** Reads a body, and has it paid for by its size. Whoever has told that has paid it before. @throws {ConnectError} TOKEN_OVERUSED */
async function readPaid(
  read: (request: IncomingMessage, pay: PayForBytes) => Promise<Buffer>,
  caller: Caller,
  request: IncomingMessage,
  { access, log }: HttpCallsOptions,
): Promise<{ readonly paid: Caller; readonly bytes: Buffer }> {
  let paid = caller;
  const bytes = await read(request, (length) => {
    try {
      paid = access?.spend(paid, callsOfBytes(length)) ?? paid;
    } catch (error) {
      throw asConnectError(error, log);
    }
  });
  return { paid, bytes };
}

/**
 * Reads the one message of a call of gRPC-Web, or of a stream, and counts its parts. The library decodes it before it asks who calls:
 * so what is refused reaches it without the message, and only the words are its own.
 */
async function readEnveloped(
  caller: Caller | ConnectError,
  request: IncomingMessage,
  { method: { input, methodKind } }: UniversalHandler,
  options: HttpCallsOptions,
): Promise<ReadRequest> {
  const refused = (error: ConnectError): ReadRequest => ({ caller: error, body: emptyEnvelope(isJson(request)) });
  if (caller instanceof ConnectError) return refused(caller);
  // Session: there is no handler for it here, and so none that reads.
  if (methodKind !== "unary" && methodKind !== "server_streaming") return { caller, body: null };
  try {
    const { paid, bytes } = await readPaid(readEnvelope, caller, request, options);
    return { caller: paid, body: judgeEnvelope(input, bytes, isJson(request)) };
  } catch (error) {
    if (error instanceof ConnectError) return refused(error);
    if (!(error instanceof InvalidField)) throw error;
    return refused(asConnectError(invalidFieldError(error), options.log));
  }
}

function refusal(error: ConnectError, status: number): UniversalServerResponse {
  const body = errorToJsonBytes(error, jsonOptions);
  const header = new Headers(error.metadata);
  header.set("Content-Type", "application/json");
  return { status, header, body: once(body) };
}

/** What only the library noticed, such as bytes that are no message, gets the typed detail that every error has. */
async function withDetail(answered: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (answered.status < 400 || answered.body === undefined) return answered;
  if (answered.header?.get("content-type") !== "application/json" || answered.header.has("content-encoding"))
    return answered;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answered.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { details, message } = JSON.parse(body.toString()) as { details?: unknown; message?: string };
  // The library calls bytes that are no message an internal error; they are the caller's.
  const isCallers = answered.status === 400 || message?.startsWith("parse binary") === true;
  if (details !== undefined || !isCallers) return { ...answered, body: once(body) };
  const text = `the request cannot be decoded: ${message ?? "no reason given"}`;
  const error = new CallError(StatusCode.invalidArgument, refusalDetail(ErrorReason.INVALID_ARGUMENT, text));
  const detail = { desc: ErrorDetailSchema, value: error.detail };
  return refusal(new ConnectError(text, Code.InvalidArgument, undefined, [detail]), 400);
}
