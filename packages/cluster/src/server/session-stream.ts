import type { ErrorDetail } from "@quorumguard/proto";

/** One Session stream as the session handler sees it: bytes of SessionRequest in, bytes of SessionResponse out. gRPC and the simulator both provide it. */
export interface SessionStream {
  send(message: Uint8Array): void;
  /** Whether so much waits to be read that pushes should not be added. Absent: never. */
  isBehind?(): boolean;
  /** Ends the stream; an error also says why, and `detail` in the wire's terms. */
  end(error?: {
    readonly code: "unauthenticated" | "permission-denied" | "invalid-argument" | "unavailable" | "resource-exhausted";
    readonly message: string;
    readonly detail?: ErrorDetail;
  }): void;
}

/** Serves one stream: what its transport calls. */
export interface SessionHandler {
  /** Takes one message. Its bytes must stay as they are until this returns. Malformed ones end the stream; nothing is thrown for them. */
  onMessage(message: Uint8Array): void;
  /** The other side went away: what is in flight is still decided, and its answers are dropped. */
  onClose(): void;
  /** All that waited to be read was read: a push that was held back goes out. */
  onDrained(): void;
  /** The node is about to stop or to hand over: tells the client, which then sends new calls to the next leader. */
  drain(): void;
}

// The factory, in session-handler.ts:
//   createSessionHandler(node: ClusterNode, stream: SessionStream, options): SessionHandler
