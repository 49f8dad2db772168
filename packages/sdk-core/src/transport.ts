import type { AbortSignalLike } from "./surface/guard.ts";

/**
 * The edge of the SDK: everything that touches a network. sdk-node implements it over gRPC, sdk-web over Connect, the
 * simulator over its own network. Messages are bytes of `quorumguard.v1`; a transport never looks inside.
 */
export interface Transport {
  /** One unary call of a service, with a bearer token if there is one: bytes in, bytes out. Rejects with a {@link TransportError} only. */
  unary(call: UnaryCall, token?: string | null): Promise<Uint8Array>;
  /**
   * The token for the next request, where somebody keeps tokens: who asks for it before a request is made can say, while it waits, that
   * nothing was sent. Rejects with a {@link TransportError} only, after `timeoutMs` at the latest.
   */
  token?(timeoutMs: number): Promise<string | null>;
  /** This device has its network back: what failed before it says nothing about now. */
  networkIsBack?(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** A transport with bidirectional streams, which `fetch` does not have. */
export interface StreamTransport extends Transport {
  /** Opens a Session stream, with a bearer token if there is one. */
  openSession(endpoint: string, handlers: StreamHandlers, token?: string | null): StreamConnection;
}

/** One request of a unary method to one endpoint, in bytes of `quorumguard.v1`. */
export interface UnaryCall {
  readonly endpoint: string;
  readonly method:
    | "GuardService/AllowBatch"
    | "GuardService/Peek"
    | "GuardService/GetTerms"
    | "ClusterService/GetTopology";
  readonly request: Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignalLike;
}

/** Where a Session stream's messages and, exactly once, its end go. */
export interface StreamHandlers {
  onMessage(message: Uint8Array): void;
  /** The last thing a stream does, once, also if it never came to be. */
  onClose(error: TransportError): void;
}

/** The sending half of a Session stream. */
export interface StreamConnection {
  /** Takes the message, or drops it if the stream is gone (then `onClose` was or will be called). */
  send(message: Uint8Array): void;
  close(): void;
}

/** How a transport failed, in the classes that decide whether a call may be sent again. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly kind: TransportErrorKind;
  /** The encoded `quorumguard.v1.ErrorDetail`, if the server sent one. */
  readonly detail: Uint8Array | null;
  /** What to do about it, as the message ends with after "; "; empty: it does not say. Of several endpoints it is said once. */
  readonly remedy: string;

  constructor(
    kind: TransportErrorKind,
    message: string,
    options: { readonly cause?: unknown; readonly detail?: Uint8Array | null; readonly remedy?: string } = {},
  ) {
    const { cause, detail = null, remedy = "" } = options;
    super(remedy === "" ? message : `${message}; ${remedy}`, { cause });
    this.kind = kind;
    this.remedy = remedy;
    this.detail = detail;
  }
}

/** What a failure proves about the call: never left, perhaps applied, refused, or hopeless. */
export type TransportErrorKind =
  /** Nothing left this process: nobody there, or no connection in time. Always safe to send again. */
  | "not-sent"
  /** It was sent, and the answer did not come. */
  | "unknown"
  /** The server answered with an error; `detail` says what happened to the call. */
  | "rejected"
  /**
   * A wrong certificate, address or protocol, or a token that a proxy refuses: no retry cures it. For a token the message begins with
   * "unauthenticated".
   */
  | "misconfigured";

/** Time and chance, injected so that the simulator owns them. */
export interface Runtime {
  /** Milliseconds; never steps. */
  monotonicMs(): number;
  /**
   * The same for deadlines, which timers that keep a process alive go by: a test that moves the cluster's time leaves it as it is.
   * Default: {@link monotonicMs}.
   */
  realMs?(): number;
  wallMs(): number;
  /**
   * Calls once, no earlier than `delayMs` from now by `monotonicMs`; returns what cancels it. `keepAlive` false: a pending timer lets
   * a process end.
   */
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): () => void;
  /**
   * The same for a caller who waits until the cluster's limits allow more, and not for an answer: a test that moves the cluster's time
   * ends it with that, and leaves deadlines as they are. It keeps a process alive. Default: {@link setTimer}.
   */
  setPause?(callback: () => void, delayMs: number): () => void;
  /** Calls once at the end of this event-loop turn: where calls are gathered into a frame. */
  endOfTurn(callback: () => void): void;
  /** [0, 1). */
  random(): number;
  randomBytes(length: number): Uint8Array;
}
