import { Buffer } from "node:buffer";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import type { ClusterNode } from "../node/node.ts";
import type { ConnectRoutesOptions } from "./connect-routes.ts";
import { announcedBytes } from "./http-body.ts";
import { createHttpCalls } from "./http-calls.ts";
import { answerCors, isStrangersPage } from "./http-cors.ts";
import { replyJson, replyProblem } from "./http-reply.ts";
import { listenError } from "./listen-error.ts";
import type { NodeMetrics } from "./metrics.ts";
import { certificateName, type TlsMaterial } from "./tls-material.ts";
import { openCaller } from "./tokens/access-gate.ts";

/** Where the HTTP listener listens, for whom, how many at once, and the node that answers. */
export interface HttpServerOptions extends ConnectRoutesOptions {
  readonly metrics: NodeMetrics;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: TlsMaterial | null;
  /** Origins whose pages may call this node from a browser; "*": all. Empty: none. */
  readonly corsOrigins: readonly string[];
  /** Connections open at once. */
  readonly maxConnections: number;
}

/** An HTTP server that listens; it says that it is not ready before it closes. */
export interface HttpListener {
  readonly port: number;
  /** While false, `/readyz` says so, whatever the node thinks. */
  setServing(serving: boolean): void;
  /** Lets requests in flight finish for so long, then closes. */
  close(graceMs: number): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Listens for Connect, gRPC-Web and JSON, and serves `/metrics`, `/healthz` and `/readyz`. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpListener> {
  const stopping = new AbortController();
  const state = { serving: false };
  const handler = createHandler(options, state, stopping.signal);
  const server = listenerFor(options, handler);
  server.maxConnections = options.maxConnections;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  server.on("clientError", (error: Error & { readonly code?: string; readonly rawPacket?: Buffer }, socket) => {
    if (socket.writable) socket.end(rawAnswer(options, error));
    else socket.destroy();
  });
  const port = await listen(server, options.host, options.port);
  return {
    port,
    setServing(serving) {
      state.serving = serving;
    },
    close(graceMs) {
      stopping.abort();
      return shutDown(server, graceMs);
    },
  };
}

/** Whatever it was, it was not HTTP/1: say what this port takes, and hang up. */
function rawAnswer(
  { node, access }: HttpServerOptions,
  { code, rawPacket }: { readonly code?: string; readonly rawPacket?: Buffer },
): string {
  const { members, nodeId } = node.topology();
  const own = access === null ? members.find((member) => member.nodeId === nodeId)?.grpcEndpoint : "";
  const grpc = own || "port 7400 by default";
  const [status, message] =
    code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the headers are larger than this port takes"]
      : code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request did not arrive in time"]
        : rawPacket?.toString("latin1", 0, 5) === "PRI *"
          ? [
              "400 Bad Request",
              `this is the HTTP/1.1 port of node ${nodeId}; HTTP/2, as gRPC needs it, is spoken at ${grpc}`,
            ]
          : [
              "400 Bad Request",
              `this is not HTTP/1.1, which this port of node ${nodeId} takes; gRPC is spoken at ${grpc}`,
            ];
  const body = `${JSON.stringify({ code: "invalid_argument", message })}\n`;
  const headers = `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  return `HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`;
}

function createHandler(options: HttpServerOptions, state: { serving: boolean }, stopping: AbortSignal): Handler {
  const call = createHttpCalls({
    ...options,
    stopping,
    callerOf(request, path) {
      const certificate = certificateOf(request);
      if (options.access === null) return openCaller(certificate);
      // Joined into one header, or cut to the first, two of them could mean one thing to a proxy and another to us.
      const { authorization = [] } = request.headersDistinct;
      return options.access.admit({ path, authorization, certificate, bytes: announcedBytes(request) ?? 0 });
    },
  });
  return (request, response) => {
    // A peer may reset its connection at any time; there is nobody left to tell.
    request.on("error", () => {});
    response.on("error", () => {});
    if (answerCors(request, response, options.corsOrigins)) return;
    if (request.method === "GET" || request.method === "HEAD") {
      const answered = answerOperator(request, response, options, state);
      if (answered) return;
    }
    // Where a token decides, a page that has none is refused for that.
    if (options.access === null && isStrangersPage(request, options.corsOrigins)) {
      replyProblem(response, 403, strangersPage);
      request.resume();
      return;
    }
    call(request, response);
  };
}

const strangersPage =
  "pages of this origin may not call a node that asks for no token: start it with --token-keys, or name the page by --cors-origin";

function answerOperator(
  request: IncomingMessage,
  response: ServerResponse,
  { node, metrics, log }: HttpServerOptions,
  state: { readonly serving: boolean },
): boolean {
  switch (request.url?.split("?", 1)[0]) {
    case "/healthz":
      replyJson(response, 200, { alive: true });
      return true;
    case "/readyz": {
      const ready = isReady(node, state);
      const { role, term } = node.status();
      replyJson(response, ready ? 200 : 503, { ready, role, term, leaderId: node.topology().leaderId });
      return true;
    }
    case "/metrics":
      metrics.text(isReady(node, state)).then(
        (text) => response.writeHead(200, { "Content-Type": metrics.contentType }).end(text),
        (error) => {
          log("error", "metrics-fault", { error: String(error) });
          replyJson(response, 500, { error: "metrics failed; the log says why" });
        },
      );
      return true;
    default:
      return false;
  }
}

/** For `/readyz` and for the metric, so that an alert fires for what a balancer sees. */
function isReady(node: ClusterNode, { serving }: { readonly serving: boolean }): boolean {
  return serving && node.status().ready;
}

/** The name in a verified certificate; null: none was shown. */
function certificateOf({ socket }: IncomingMessage): string | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const certificate = socket.getPeerCertificate();
  return certificate.raw === undefined ? null : certificateName(certificate);
}

function listenerFor({ tls, access }: HttpServerOptions, handler: Handler): Server {
  if (tls === null) return createHttpServer(handler);
  const { cert, key, clientCa } = tls;
  // Where tokens are taken, a certificate is asked for and need not be shown; one that is not verified counts as none.
  const callers = clientCa === null ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: access === null };
  return createHttpsServer({ cert, key, ...callers }, handler);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError("HTTP", `${host}:${port}`, error)));
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
