import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type ConnectRoutesOptions, connectRoutes, identityKey } from "./connect-routes.ts";
import { edgeLimits } from "./edge-limits.ts";
import { answerCors } from "./http-cors.ts";
import { listenError } from "./listen-error.ts";
import type { NodeMetrics } from "./metrics.ts";
import { certificateName, type TlsMaterial } from "./tls-material.ts";

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
  const server = listenerFor(options.tls, handler);
  server.maxConnections = options.maxConnections;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  server.on("clientError", (_error, socket) => {
    // Whatever it was, it was not HTTP: say so and hang up.
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
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

function createHandler(options: HttpServerOptions, state: { serving: boolean }, stopping: AbortSignal): Handler {
  const connect = connectNodeAdapter({
    routes: connectRoutes(options),
    readMaxBytes: edgeLimits.maxMessageBytes,
    maxTimeoutMs: 600_000,
    // A misspelt field is a mistake to hear of, and a person with curl likes to see zeros.
    jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
    shutdownSignal: stopping,
    contextValues: (request) => createContextValues().set(identityKey, callerOf(request)),
    fallback: (_request, response) => reply(response, 404, notFound),
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
    connect(request, response);
  };
}

const notFound = {
  error: "no such path",
  try: ["POST /quorumguard.v1.GuardService/Allow", "GET /healthz", "GET /readyz", "GET /metrics"],
};

function answerOperator(
  request: IncomingMessage,
  response: ServerResponse,
  { node, metrics, log }: HttpServerOptions,
  state: { readonly serving: boolean },
): boolean {
  switch (request.url?.split("?", 1)[0]) {
    case "/healthz":
      reply(response, 200, { alive: true });
      return true;
    case "/readyz": {
      const { ready, role, term } = node.status();
      const serving = ready && state.serving;
      reply(response, serving ? 200 : 503, { ready: serving, role, term, leaderId: node.topology().leaderId });
      return true;
    }
    case "/metrics":
      metrics.text().then(
        (text) => response.writeHead(200, { "Content-Type": metrics.contentType }).end(text),
        (error) => {
          log("error", "metrics-fault", { error: String(error) });
          reply(response, 500, { error: "metrics failed; the log says why" });
        },
      );
      return true;
    default:
      return false;
  }
}

/** As much of a response as HTTP/1 and HTTP/2 agree on. */
interface Answer {
  writeHead(statusCode: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

function reply(response: Answer, statusCode: number, body: object): void {
  response.writeHead(statusCode, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

function callerOf(request: { readonly socket?: unknown }): string {
  return request.socket instanceof TLSSocket && request.socket.authorized
    ? certificateName(request.socket.getPeerCertificate())
    : "";
}

function listenerFor(tls: TlsMaterial | null, handler: Handler): Server {
  if (tls === null) return createHttpServer(handler);
  const { cert, key, clientCa } = tls;
  const callers = clientCa === null ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
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
