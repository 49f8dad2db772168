import { toBinary } from "@bufbuild/protobuf";
import {
  type DecodedResponse,
  decodeSessionResponse,
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  encodeSessionRequest,
  type Welcome,
} from "@quorumguard/proto";
import { failureOfTransport } from "../calls/wire-errors.ts";
import { type Runtime, type StreamConnection, type StreamTransport, TransportError } from "../transport.ts";
import { HeardOfStream } from "../without-network/heard-of-stream.ts";
import { BACKOFF_CAP_MS, backoffMs, retrying } from "./backoff.ts";

/** Without a Welcome for so long, the attempt is given up. */
const CONNECT_TIMEOUT_MS = 2_000;
/** Pings without any sign of life after which a connection counts as dead. */
const MAX_UNANSWERED_PINGS = 3;
/** The same after which nothing more is sent on it, as long as it stays so. */
const SILENT_AFTER_PINGS = 2;

/**
 * Between attempts to reach a node that did not take the first one, while another of the cluster answers: nothing waits for this one,
 * and a survivor has an election to run just then. A process that starts again takes longer in any case.
 */
const MISSED_BY_NOBODY_MS = 50;

/** A stream that began so short a time ago is surely no dead one. */
const FRESH_FOR_MS = 500;
/** A stream that lived so long did not end because of us. */
const STABLE_AFTER_MS = 1_000;

/** What becomes of a link, told to its owner. */
export interface LinkHandlers {
  onReady(link: Link, welcome: Welcome): void;
  onMessage(link: Link, message: DecodedResponse): void;
  /** The stream that was ready is gone; the link is connecting again. */
  onDown(link: Link, error: TransportError): void;
  /** A node named another cluster than the known one; the attempt fails. */
  onStranger(link: Link): void;
  /** An attempt to connect failed. */
  onFailure(link: Link, error: TransportError): void;
}

/** The transport, clock and identity that all links of a guard share. */
export interface LinkContext {
  readonly transport: Pick<StreamTransport, "openSession">;
  readonly runtime: Runtime;
  readonly client: string;
  /** Of the sessions. */
  readonly namespace: string;
  readonly handlers: LinkHandlers;
  readonly clusterId: () => string;
  /** The longest pause between attempts now, in milliseconds: short while a caller waits. */
  readonly pauseCapMs: () => number;
  /** Whether another node of the cluster is connected. */
  readonly othersReady: (link: Link) => boolean;
}

/**
 * A warm connection to one endpoint: it opens a Session stream, says hello, and does so again whenever the stream
 * ends, until it is closed.
 */
export class Link {
  readonly endpoint: string;
  /** True: the node may pass calls on to the leader. */
  readonly forwarding: boolean;
  ready = false;
  closed = false;
  /** The node that answers here; 0 until it said so. */
  nodeId = 0;
  /** The last term in which the node itself said that another leads, or nobody. */
  disclaimedTerm = -1;
  draining = false;
  /** The node refused calls without naming another: not before this time again. */
  refusedUntilMs = 0;
  /** Frames whose calls are not all answered. */
  framesInFlight = 0;
  /** The session that this stream speaks for. */
  session: object | null = null;
  /** From the Welcome. */
  helloStampUs = 0n;
  /** What this stream has heard of, as far as it bears on what may be remembered; null: its node pushes nothing. */
  heard: HeardOfStream | null = null;
  /** How often connecting failed in a row, and how. */
  failures = 0;
  lastError: TransportError | null = null;
  failedMs = Number.NEGATIVE_INFINITY;
  /** The other cluster that the last attempt met; empty: the node did not say which, and is asked by the next one; null: none. */
  strangerId: string | null = null;
  #metId: string | null = null;
  #stream: StreamConnection | null = null;
  #unansweredPings = 0;
  #pingId = 0n;
  #upSinceMs = 0;
  #flaps = 0;
  #wake: () => void = () => {};
  readonly #context: LinkContext;

  constructor(endpoint: string, forwarding: boolean, context: LinkContext) {
    this.endpoint = endpoint;
    this.forwarding = forwarding;
    this.#context = context;
  }

  start(): void {
    if (this.closed) return;
    const { runtime, pauseCapMs, othersReady, handlers } = this.#context;
    let capMs = 0;
    retrying(() => this.#connect(), {
      runtime,
      keepAlive: false,
      stopped: () => this.closed,
      capMs: () => {
        capMs = pauseCapMs();
        return capMs;
      },
      atLeastMs: () => (othersReady(this) ? MISSED_BY_NOBODY_MS : 0),
      onFailure: (error) => {
        this.failures += 1;
        this.lastError = error;
        this.failedMs = runtime.monotonicMs();
        this.strangerId = this.#metId;
        this.#metId = null;
        if (this.strangerId === this.#context.clusterId()) this.isKnown();
        if (!this.closed) handlers.onFailure(this, error);
        return this.closed;
      },
      onWait: (wake) => {
        // A pause that began while somebody waited is short already: ended by every call, it would be none.
        this.#wake = capMs > BACKOFF_CAP_MS ? wake : () => {};
      },
    }).catch(() => {
      // Only a closed link gives up, and nobody waits for that.
    });
  }

  /**
   * Nothing is heard on it. What is sent into silence is counted, if at all, when nobody waits for it any more, and meets the
   * next leader beside everything else; what is kept back is surely not counted.
   */
  get silent(): boolean {
    return this.#unansweredPings >= SILENT_AFTER_PINGS;
  }

  /** Its node has just spoken for the known cluster. */
  get isFresh(): boolean {
    return this.ready && this.#context.runtime.monotonicMs() - this.#upSinceMs < FRESH_FOR_MS;
  }

  /** What was another cluster is the known one now: that it answered was no mistake. */
  isKnown(): void {
    this.strangerId = null;
    this.lastError = new TransportError("not-sent", `${this.endpoint}: connecting to the cluster that is there now`);
  }

  /** Ends a pause between attempts: somebody has begun to wait. */
  hurry(): void {
    if (!this.ready) this.#wake();
  }

  send(message: Uint8Array): void {
    this.#stream?.send(message);
  }

  /** Sends a ping; a connection on which nothing was heard for several of them is dropped. */
  ping(): void {
    if (!this.ready) return;
    if (this.#unansweredPings >= MAX_UNANSWERED_PINGS) {
      this.drop(new TransportError("unknown", `${this.endpoint}: no answer to ${MAX_UNANSWERED_PINGS} pings`));
      return;
    }
    this.#unansweredPings += 1;
    this.#pingId += 1n;
    this.send(encodeSessionRequest({ case: "ping", value: { id: this.#pingId } }));
  }

  /** Gives up the stream and connects anew. */
  drop(error: TransportError): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.close();
    this.#down(error);
  }

  close(): void {
    this.closed = true;
    this.ready = false;
    this.#wake();
    const stream = this.#stream;
    this.#stream = null;
    stream?.close();
  }

  /** One attempt: resolves with the Welcome's arrival. */
  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new TransportError("not-sent", "the link is closed"));
        return;
      }
      const { transport, runtime, client, namespace, clusterId } = this.#context;
      // To one who named another cluster, or none that it knows, a node says which it belongs to.
      const helloId = this.strangerId === null ? clusterId() : "";
      let welcomed = false;
      let over = false;
      // Null until the transport has returned it; a transport may report failure before that.
      let stream: StreamConnection | null = null;
      const fail = (error: TransportError): void => {
        if (over) return;
        over = true;
        cancelTimer();
        if (!welcomed) {
          if (this.#stream === stream) this.#stream = null;
          reject(error);
          return;
        }
        // A stream that was replaced, or dropped by us, has been mourned already.
        if (stream === null || this.#stream !== stream) return;
        this.#stream = null;
        this.#down(error);
      };
      const cancelTimer = runtime.setTimer(
        () => {
          const message = `${this.endpoint}: no welcome within ${CONNECT_TIMEOUT_MS} ms`;
          fail(new TransportError("not-sent", message));
          stream?.close();
        },
        CONNECT_TIMEOUT_MS,
        false,
      );
      stream = transport.openSession(this.endpoint, {
        onMessage: (bytes) => {
          if (over || this.closed) return;
          const message = this.#decode(bytes);
          if (message instanceof TransportError) {
            fail(message);
            stream?.close();
            return;
          }
          this.#unansweredPings = 0;
          if (welcomed) {
            if (this.#stream === stream) this.#context.handlers.onMessage(this, message);
            return;
          }
          const welcome = this.#ownWelcome(message, helloId);
          if (welcome instanceof TransportError) {
            fail(welcome);
            stream?.close();
            return;
          }
          welcomed = true;
          cancelTimer();
          this.#up(welcome);
          resolve();
        },
        onClose: fail,
      });
      if (over) {
        stream.close();
        return;
      }
      this.#stream = stream;
      stream.send(
        encodeSessionRequest({
          case: "hello",
          value: { clusterId: helloId, client, namespace, noForward: !this.forwarding, readsRuns: true },
        }),
      );
    });
  }

  /** The Welcome of a node of the known cluster, or why it is none; remembers whose it is. */
  #ownWelcome(message: DecodedResponse, helloId: string): Welcome | TransportError {
    const welcome = welcomeOf(message);
    if (welcome instanceof TransportError) {
      if (failureOfTransport(welcome).code === "wrong_cluster") this.#metId = "";
      return welcome;
    }
    const knownId = this.#context.clusterId();
    const itsId = welcome.topology?.clusterId ?? "";
    if (knownId === "" || itsId === knownId || (itsId === "" && helloId !== "")) return welcome;
    if (itsId === "") return new TransportError("not-sent", `${this.endpoint}: the node is still forming its cluster`);
    this.#metId = itsId;
    this.strangerId = itsId;
    this.#context.handlers.onStranger(this);
    const [its, known] = [JSON.stringify(itsId), JSON.stringify(knownId)];
    return new TransportError(
      "misconfigured",
      `${this.endpoint} belongs to cluster ${its}, and not to ${known} as before`,
    );
  }

  #decode(bytes: Uint8Array): DecodedResponse | TransportError {
    try {
      return decodeSessionResponse(bytes);
    } catch (cause) {
      const message = `${this.endpoint} sends what is no SessionResponse; is it a QuorumGuard gRPC port?`;
      return new TransportError("misconfigured", message, { cause });
    }
  }

  #up(welcome: Welcome): void {
    this.ready = true;
    this.#upSinceMs = this.#context.runtime.monotonicMs();
    this.failures = 0;
    this.lastError = null;
    this.draining = false;
    this.disclaimedTerm = -1;
    this.refusedUntilMs = 0;
    this.framesInFlight = 0;
    this.session = null;
    this.helloStampUs = welcome.stampUs;
    this.heard = HeardOfStream.since(welcome);
    this.nodeId = Number(welcome.topology?.nodeId ?? 0n);
    this.#unansweredPings = 0;
    this.#context.handlers.onReady(this, welcome);
  }

  #down(error: TransportError): void {
    if (!this.ready) return;
    this.ready = false;
    this.lastError = error;
    this.session = null;
    if (this.closed) return;
    this.#context.handlers.onDown(this, error);
    if (this.closed) return;
    // At once after a stable connection; ever later if the endpoint takes streams only to end them.
    const { runtime } = this.#context;
    this.#flaps = runtime.monotonicMs() - this.#upSinceMs < STABLE_AFTER_MS ? this.#flaps + 1 : 0;
    runtime.setTimer(() => this.start(), this.#flaps === 0 ? 0 : backoffMs(this.#flaps, runtime), false);
  }
}

/** The first message of a stream must be a Welcome, or say why there is none. */
function welcomeOf(decoded: DecodedResponse): Welcome | TransportError {
  if (decoded.kind === "message") {
    const { message } = decoded.message;
    if (message.case === "welcome") return message.value;
    if (message.case === "error") return refusalOf(message.value.detail);
  }
  return new TransportError(
    "misconfigured",
    "the first message of the stream is no Welcome; is it a QuorumGuard gRPC port?",
  );
}

/** Of a hello's refusals only the wrong cluster's is for good; whatever else there may be, nothing was sent. */
function refusalOf(detail: ErrorDetail | undefined): TransportError {
  const text = detail?.message ?? "the node refused the stream";
  if (detail?.reason !== ErrorReason.WRONG_CLUSTER) return new TransportError("not-sent", text);
  return new TransportError("misconfigured", text, { detail: toBinary(ErrorDetailSchema, detail) });
}
