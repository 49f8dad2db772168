import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { ClusterNode } from "../node/node.ts";
import type { NodeLog } from "../node/node-log.ts";
import { asBuffer } from "../storage/bytes.ts";
import { CallError, StatusCode } from "./call-error.ts";
import { grpcStatus } from "./grpc-errors.ts";
import { createSessionHandler, type SessionHandlerOptions } from "./session-handler.ts";
import type { SessionHandler, SessionStream } from "./session-stream.ts";
import type { AccessGate } from "./tokens/access-gate.ts";
import { authorizeSession } from "./tokens/scoped-session.ts";
import { type TokenLife, watchToken } from "./tokens/token-life.ts";
import type { VerifiedToken } from "./tokens/verify-token.ts";

type Duplex = ServerDuplexStream<Buffer, Buffer>;
type StreamError = NonNullable<Parameters<SessionStream["end"]>[0]>;

/** Replies that may wait for a slow reader before its requests are left unread. */
const maxUnreadReplies = 256;

const streamStatus: Readonly<Record<StreamError["code"], status>> = {
  unauthenticated: status.UNAUTHENTICATED,
  "permission-denied": status.PERMISSION_DENIED,
  "invalid-argument": status.INVALID_ARGUMENT,
  unavailable: status.UNAVAILABLE,
  "resource-exhausted": status.RESOURCE_EXHAUSTED,
};

/** What Session streams of one listener share. */
export interface GrpcSessionOptions {
  readonly node: ClusterNode;
  readonly log: NodeLog;
  readonly maxStreams: number;
  /** A stream that says nothing for so long after it was opened is ended, so that silence cannot use up `maxStreams`. Default 10,000. */
  readonly helloTimeoutMs?: number;
  readonly session: SessionHandlerOptions;
  /** Lets streams in; null: every one may do everything. */
  readonly access: AccessGate | null;
  /** The token that a stream was opened with; null: none was needed. */
  readonly tokenOf: (call: Duplex) => VerifiedToken | null;
}

/** The open Session streams of one gRPC listener. */
export interface GrpcSessions {
  serve(call: Duplex): void;
  /** Tells every client to send new calls elsewhere. */
  drain(): void;
  /** Ends every stream; clients re-send what was unanswered elsewhere. */
  end(): void;
}

/** Serves Session streams of grpc-js. A client that does not read its replies is not read from either. */
export function createGrpcSessions(options: GrpcSessionOptions): GrpcSessions {
  const open = new Map<SessionHandler, Duplex>();
  let draining = false;
  return {
    serve(call) {
      if (open.size >= options.maxStreams) {
        const message = `this node has ${open.size} streams, the most it may; close idle clients or use another node`;
        endWith(call, { code: "resource-exhausted", message });
        return;
      }
      const token = options.tokenOf(call);
      try {
        if (token !== null) authorizeSession(token);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        options.access?.refused(error);
        endWith(call, streamError(error));
        return;
      }
      const refused = (error: CallError) => options.access?.refused(error);
      const handler = createSessionHandler(options.node, streamOf(call), { ...options.session, token, refused });
      open.set(handler, call);
      if (draining) handler.drain();
      attach({ call, handler, token }, options, () => open.delete(handler));
    },
    drain() {
      draining = true;
      for (const handler of open.keys()) handler.drain();
    },
    end() {
      for (const call of open.values()) endWith(call, { code: "unavailable", message: "this node is stopping" });
    },
  };
}

/** A stream, who serves it, and the token that it was opened with. */
interface OpenStream {
  readonly call: Duplex;
  readonly handler: SessionHandler;
  readonly token: VerifiedToken | null;
}

function attach({ call, handler, token }: OpenStream, options: GrpcSessionOptions, forget: () => void): void {
  const { log, access, helloTimeoutMs = 10_000 } = options;
  let closed = false;
  const silence = setTimeout(() => {
    endWith(call, {
      code: "invalid-argument",
      message: `nothing was said within ${helloTimeoutMs} ms; begin with hello`,
    });
    close();
  }, helloTimeoutMs);
  const close = () => {
    if (closed) return;
    closed = true;
    clearTimeout(silence);
    life?.stop();
    forget();
    handler.onClose();
  };
  const life: TokenLife | null =
    token === null || access === null
      ? null
      : watchToken(token, access, (error) => {
          endWith(call, streamError(error));
          close();
        });
  call.on("data", (message: Buffer) => {
    if (closed || life?.check() === false) return;
    clearTimeout(silence);
    try {
      handler.onMessage(message);
    } catch (error) {
      // A fault of ours, not of the message: this stream ends, the others go on, and the operator hears of it.
      log("error", "session-fault", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
      endWith(call, { code: "unavailable", message: "this node failed on the stream; open a new one" });
      close();
    }
  });
  call.on("drain", () => {
    if (!closed) handler.onDrained();
  });
  call.on("end", () => {
    close();
    call.end();
  });
  call.on("cancelled", close);
  call.on("close", close);
  call.on("error", close);
}

function streamOf(call: Duplex): SessionStream {
  let paused = false;
  call.on("drain", () => {
    paused = false;
    call.resume();
  });
  return {
    send(message) {
      if (call.destroyed || call.writableEnded || call.cancelled) return;
      call.write(asBuffer(message));
      if (paused || call.writableLength < maxUnreadReplies) return;
      paused = true;
      call.pause();
    },
    isBehind: () => paused,
    end(error) {
      if (error === undefined) call.end();
      else endWith(call, error);
    },
  };
}

/** A refusal in the stream's terms. */
function streamError(error: CallError): StreamError {
  const code = error.code === StatusCode.unauthenticated ? "unauthenticated" : "permission-denied";
  return { code, message: error.message, detail: error.detail };
}

/** grpc-js takes an emitted error as the stream's status, after the replies that were written before it. */
function endWith(call: Duplex, { code, message, detail }: StreamError): void {
  if (call.writableEnded) return;
  if (detail === undefined) call.emit("error", { code: streamStatus[code], details: message });
  else call.emit("error", grpcStatus(new CallError(streamStatus[code] as number as StatusCode, detail)));
}
