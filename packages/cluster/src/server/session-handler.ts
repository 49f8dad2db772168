import type { SessionId as LimiterSessionId, OperationResult } from "@quorumguard/limiter";
import {
  CodecError,
  decodeSessionRequest,
  type ErrorDetail,
  ErrorReason,
  encodeSessionResponse,
  type Hello,
  type ReceivedFrame,
  type Register,
  type Renew,
  type Resume,
  type SessionRequest,
} from "@quorumguard/proto";
import type { Forgotten } from "../node/namespace-watch.ts";
import type { ClusterNode, NodeFailure, NodeTopology, SubmitOptions } from "../node/node.ts";
import { CallError, failureDetail, refusalDetail } from "./call-error.ts";
import { checkText } from "./check-text.ts";
import { type DecisionMeter, noMeter } from "./decision-meter.ts";
import { edgeLimits } from "./edge-limits.ts";
import { checkFrame, FrameSink, type ReplyRoute } from "./frame-sink.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { fleetPush, forgetPush, topologyPush } from "./pushes.ts";
import type { SessionHandler, SessionStream } from "./session-stream.ts";
import { authorizeNamespace } from "./tokens/grant.ts";
import { authorizeFrame } from "./tokens/scoped-session.ts";
import type { VerifiedToken } from "./tokens/verify-token.ts";
import { wireTopology } from "./wire-topology.ts";

/** What a session handler may be told; the defaults suit production. */
export interface SessionHandlerOptions {
  /** How long a session lives without being heard of, in milliseconds; what the limiter's bounds say. Default 60,000. */
  readonly sessionTtlMs?: number;
  /** Results that a session may leave unacknowledged; what the limiter's bounds say. Default 4,096. */
  readonly maxResults?: number;
  /** Frames that one stream may have undecided; one more is refused as overloaded. Default 256. */
  readonly maxFramesInFlight?: number;
  /** Registers, renewals and the like that one stream may have undecided. Default 16. */
  readonly maxOperationsInFlight?: number;
  readonly meter?: DecisionMeter;
  /** Milliseconds that never step, for the meter. Default: no time passes. */
  readonly monotonicMs?: () => number;
  /** What the stream was opened with: frames and namespace are held to it. Default null: everything is allowed. */
  readonly token?: VerifiedToken | null;
  /** Hears of what the token did not allow. Default: nobody does. */
  readonly refused?: (error: CallError) => void;
}

/** A session that this stream speaks for: its name, and the nonce that proves it. */
interface OwnedSession {
  readonly id: LimiterSessionId;
  readonly nonce: Uint8Array;
}

type OperationOutcome = OperationResult | NodeFailure;

/**
 * Serves one Session stream over a node: hello, register or resume, then frames. It knows no transport and no time, so
 * the simulator runs it as production does.
 */
export function createSessionHandler(
  node: ClusterNode,
  stream: SessionStream,
  options: SessionHandlerOptions = {},
): SessionHandler {
  return new Handler(node, stream, options);
}

class Handler implements SessionHandler {
  readonly #node: ClusterNode;
  readonly #stream: SessionStream;
  readonly #options: Required<SessionHandlerOptions>;
  readonly #route: ReplyRoute;
  #hello: Hello | null = null;
  #session: OwnedSession | null = null;
  #closed = false;
  #draining = false;
  #framesInFlight = 0;
  #operationsInFlight = 0;
  #endPushes: () => void = () => {};
  /** What is to be told once the client reads again; null: nothing. */
  #heldBack: Forgotten | null = null;

  constructor(node: ClusterNode, stream: SessionStream, options: SessionHandlerOptions) {
    this.#node = node;
    this.#stream = stream;
    this.#options = {
      sessionTtlMs: options.sessionTtlMs ?? 60_000,
      maxResults: options.maxResults ?? 4_096,
      maxFramesInFlight: options.maxFramesInFlight ?? 256,
      maxOperationsInFlight: options.maxOperationsInFlight ?? 16,
      meter: options.meter ?? noMeter,
      monotonicMs: options.monotonicMs ?? (() => 0),
      token: options.token ?? null,
      refused: options.refused ?? (() => {}),
    };
    this.#route = {
      node,
      meter: this.#options.meter,
      monotonicMs: this.#options.monotonicMs,
      policyVersion: () => node.applied()?.policies.version(this.#hello?.namespace ?? "") ?? 0,
      readsRuns: () => this.#hello?.readsRuns ?? false,
      send: (message) => this.#send(message),
      broken: (error) => this.#end("unavailable", `an answer could not be written: ${error.message}`),
      frameDone: () => {
        this.#framesInFlight -= 1;
      },
    };
    this.#options.meter.streams(1);
  }

  onMessage(message: Uint8Array): void {
    if (this.#closed) return;
    try {
      const decoded = decodeSessionRequest(message);
      if (decoded.kind === "frame") this.#onFrame(decoded.frame);
      else this.#onControl(decoded.message);
    } catch (error) {
      if (!(error instanceof CodecError) && !(error instanceof InvalidField)) throw error;
      this.#end("invalid-argument", error.message);
    }
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endPushes();
    this.#options.meter.streams(-1);
  }

  onDrained(): void {
    if (this.#heldBack === null || this.#closed) return;
    this.#send(forgetPush(this.#heldBack));
    this.#heldBack = null;
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    if (this.#hello !== null) this.#send(encodeSessionResponse({ case: "drain", value: {} }));
  }

  #onFrame(frame: ReceivedFrame): void {
    const { firstNumber, calls } = frame;
    const session = this.#session;
    if (session === null) {
      const message = "a frame came before its session; send hello, then register or resume";
      this.#refuse(firstNumber, calls, ErrorReason.INVALID_ARGUMENT, message);
      return;
    }
    if (this.#framesInFlight >= this.#options.maxFramesInFlight) {
      const message = `${this.#framesInFlight} frames of this stream are undecided, the most there may be; wait for replies`;
      this.#refuse(firstNumber, calls, ErrorReason.OVERLOADED, message, 5);
      return;
    }
    let rules: ReturnType<typeof checkFrame>;
    try {
      rules = checkFrame(frame);
      if (this.#options.token !== null) authorizeFrame(this.#options.token, frame);
    } catch (error) {
      if (error instanceof InvalidField) this.#refuse(firstNumber, calls, ErrorReason.INVALID_ARGUMENT, error.message);
      else if (error instanceof CallError) this.#forbid(firstNumber, calls, error);
      else throw error;
      return;
    }
    this.#framesInFlight += 1;
    this.#options.meter.frame();
    const submitOptions: SubmitOptions = {
      firstAttempt: frame.firstAttempt,
      noForward: this.#noForward,
      deadlineMs: frame.deadlineMs,
    };
    this.#node.submit(
      { kind: "session", session: session.id, nonce: session.nonce, ackedThrough: frame.ackedThrough },
      { ...frame, rules },
      submitOptions,
      new FrameSink(this.#route, frame),
    );
  }

  #onControl({ message }: SessionRequest): void {
    if (message.case === "ping") {
      const value = { policyVersion: BigInt(this.#route.policyVersion()), clients: this.#clients() };
      this.#send(encodeSessionResponse({ case: "pong", value: { id: message.value.id, ...value } }));
      return;
    }
    if (message.case === "hello") {
      this.#onHello(message.value);
      return;
    }
    if (this.#hello === null)
      throw new InvalidField("message", message.case ?? "unknown", "the first one must be hello");
    switch (message.case) {
      case "register":
        this.#onRegister(message.value);
        return;
      case "resume":
        this.#onResume(message.value);
        return;
      case "renew":
        this.#onRenew(message.value);
        return;
      case "goodbye":
        this.#onGoodbye();
        return;
      default:
        throw new InvalidField(
          "message",
          message.case ?? "unknown",
          "this node knows no such message; upgrade it first",
        );
    }
  }

  #onHello(hello: Hello): void {
    if (this.#hello !== null) throw new InvalidField("message", "hello", "a stream has one hello, its first message");
    checkText(hello.namespace, "hello.namespace", 0, edgeLimits.maxNamespaceBytes);
    checkText(hello.client, "hello.client", 0, edgeLimits.maxClientBytes);
    if (!this.#mayUse(hello.namespace)) return;
    const topology = this.#node.topology();
    if (hello.clusterId !== "" && hello.clusterId !== topology.clusterId) {
      this.#wrongCluster(hello, topology);
      return;
    }
    this.#hello = hello;
    const value = {
      topology: wireTopology(topology),
      stampUs: BigInt(Math.trunc(this.#node.stampUs())),
      sessionTtlMs: BigInt(this.#options.sessionTtlMs),
      maxResults: this.#options.maxResults,
      clients: this.#clients(),
      // A 0 would say that this node pushes nothing. At 1 there is never more than a leader's first entry.
      appliedIndex: BigInt(Math.max(1, this.#node.applied()?.appliedIndex ?? 0)),
      policyVersion: BigInt(this.#route.policyVersion()),
    };
    this.#send(encodeSessionResponse({ case: "welcome", value }));
    this.#beginPushes(hello.namespace);
    if (this.#draining) this.#send(encodeSessionResponse({ case: "drain", value: {} }));
  }

  /** What is applied after the index that the welcome told goes out, without being asked for. */
  #beginPushes(namespace: string): void {
    const endTopology = this.#node.onTopology((changed) => this.#send(topologyPush(changed)));
    const endNamespace = this.#node.namespaces.listen(namespace, {
      forget: (what) => this.#forget(what),
      clients: (count) => {
        // Every pong tells it as well.
        if (!this.#isBehind) this.#send(fleetPush(count));
      },
    });
    this.#endPushes = () => {
      endTopology();
      endNamespace();
    };
  }

  get #isBehind(): boolean {
    return this.#stream.isBehind?.() ?? false;
  }

  /** For a client that does not read, nothing piles up: in the end it is told once, to forget everything. */
  #forget(what: Forgotten): void {
    if (this.#heldBack === null && !this.#isBehind) this.#send(forgetPush(what));
    else this.#heldBack = { ...what, keys: null };
  }

  /** False: the token is for another namespace, and the stream has been ended. */
  #mayUse(namespace: string): boolean {
    const { token } = this.#options;
    if (token === null) return true;
    try {
      authorizeNamespace(token.grant, namespace, "hello.namespace");
      return true;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#forbid(0, 0, error);
      this.#end("permission-denied", error.message, error.detail);
      return false;
    }
  }

  #wrongCluster(hello: Hello, topology: NodeTopology): void {
    // A node that is still forming does not know its cluster yet: the caller may well be right.
    if (topology.clusterId === "") {
      this.#end("unavailable", "this node is still forming its cluster; try again");
      return;
    }
    const bound = `this node belongs to ${JSON.stringify(topology.clusterId)}; check the endpoint`;
    const error = new InvalidField("hello.cluster_id", hello.clusterId, bound);
    this.#refuse(0, 0, ErrorReason.WRONG_CLUSTER, error.message);
    this.#end("invalid-argument", error.message);
  }

  #clients(): number {
    if (this.#hello === null) return 0;
    return this.#node.applied()?.countSessions(this.#hello.namespace) ?? 0;
  }

  #onRegister(register: Register): void {
    checkNonce(register.nonce, "register.nonce");
    const nonce = register.nonce.slice();
    const helloStampUs = safeNumber(register.helloStampUs, "register.hello_stamp_us");
    this.#operate({ kind: "register", nonce, helloStampUs, namespace: this.#hello?.namespace ?? "" }, (outcome) => {
      if (!("kind" in outcome)) {
        this.#failStream(outcome);
        return;
      }
      if (outcome.kind === "refused") {
        this.#refuseRegister(outcome.reason);
        return;
      }
      if (outcome.kind !== "registered") throw new Error(`a register was answered with ${outcome.kind}`);
      const { index, position } = outcome.session;
      this.#session = { id: { index, position }, nonce };
      const session = { index: BigInt(index), position, nonce };
      this.#send(encodeSessionResponse({ case: "registered", value: { session, clients: this.#clients() } }));
    });
  }

  #refuseRegister(reason: "too-old" | "sessions-full"): void {
    if (reason === "too-old") {
      const message = "register.hello_stamp_us is older than the session TTL; open a new stream and register there";
      this.#refuse(0, 0, ErrorReason.SESSION_EXPIRED, message);
      return;
    }
    const message =
      "the session table is full and no session is evicted; try again later, or share a client between callers";
    this.#refuse(0, 0, ErrorReason.OVERLOADED, message, 1_000);
  }

  /**
   * Frames may follow a resume at once: each carries the session's name and nonce into the log, where a wrong pair is
   * an unknown session. The answer only spares the client the wait for its first frame.
   */
  #onResume({ session }: Resume): void {
    if (session === undefined)
      throw new InvalidField("resume.session", shown("missing"), "give index, position and nonce");
    checkNonce(session.nonce, "resume.session.nonce");
    const owned: OwnedSession = {
      id: { index: safeNumber(session.index, "resume.session.index"), position: session.position },
      nonce: session.nonce.slice(),
    };
    this.#session = owned;
    const resumed = () => this.#send(encodeSessionResponse({ case: "resumed", value: {} }));
    if (this.#node.knowsSession(owned.id, owned.nonce)) {
      resumed();
      return;
    }
    if (this.#node.leads) {
      this.#sessionGone(owned);
      return;
    }
    // A follower may lag behind the register: only the log knows.
    this.#operate({ kind: "renew", session: owned.id, nonce: owned.nonce, ackedThrough: 0 }, (outcome) => {
      if (!("kind" in outcome)) {
        this.#failStream(outcome);
        return;
      }
      if (outcome.kind === "renewed" && outcome.known) {
        resumed();
        return;
      }
      this.#sessionGone(owned);
    });
  }

  #onRenew(renew: Renew): void {
    const owned = this.#session;
    if (owned === null) {
      this.#refuse(0, 0, ErrorReason.INVALID_ARGUMENT, "renew came before register or resume");
      return;
    }
    const ackedThrough = safeNumber(renew.ackedThrough, "renew.acked_through");
    this.#operate({ kind: "renew", session: owned.id, nonce: owned.nonce, ackedThrough }, (outcome) => {
      if (!("kind" in outcome)) {
        this.#failStream(outcome);
        return;
      }
      if (outcome.kind !== "renewed" || !outcome.known) {
        this.#sessionGone(owned);
        return;
      }
      this.#send(encodeSessionResponse({ case: "renewed", value: { id: renew.id } }));
    });
  }

  #onGoodbye(): void {
    const owned = this.#session;
    this.#session = null;
    if (owned === null) {
      this.#end();
      return;
    }
    // Whatever comes of it, the client is gone: a goodbye that is lost leaves the session to its TTL.
    this.#operate({ kind: "goodbye", session: owned.id, nonce: owned.nonce }, () => this.#end());
  }

  #operate(operation: Parameters<ClusterNode["operate"]>[0], done: (outcome: OperationOutcome) => void): void {
    if (this.#operationsInFlight >= this.#options.maxOperationsInFlight) {
      const message = `${this.#operationsInFlight} requests of this stream are undecided, the most there may be; wait for answers`;
      this.#refuse(0, 0, ErrorReason.OVERLOADED, message, 5);
      return;
    }
    this.#operationsInFlight += 1;
    const submitOptions = { firstAttempt: false, noForward: this.#noForward, deadlineMs: 0 };
    this.#node.operate(operation, submitOptions, (outcome) => {
      this.#operationsInFlight -= 1;
      if (!this.#closed) done(outcome);
    });
  }

  get #noForward(): boolean {
    return this.#hello?.noForward ?? false;
  }

  /** A session that the log does not know: what became of its unanswered calls is unknown, but this request did nothing. */
  #sessionGone(owned: OwnedSession): void {
    if (this.#session === owned) this.#session = null;
    this.#refuse(0, 0, ErrorReason.SESSION_EXPIRED, "the session is not known here, or expired; register a new one");
  }

  #failStream(failure: NodeFailure): void {
    this.#sendError(0, 0, failureDetail(failure, this.#node.topology()));
  }

  #refuse(firstNumber: number, calls: number, reason: ErrorReason, message: string, retryAfterMs = 0): void {
    this.#sendError(firstNumber, calls, refusalDetail(reason, message, retryAfterMs));
  }

  /** What the token does not allow. */
  #forbid(firstNumber: number, calls: number, error: CallError): void {
    this.#options.refused(error);
    this.#sendError(firstNumber, calls, error.detail);
  }

  #sendError(firstNumber: number, calls: number, detail: ErrorDetail): void {
    this.#send(encodeSessionResponse({ case: "error", value: { firstNumber: BigInt(firstNumber), calls, detail } }));
  }

  #send(message: Uint8Array): void {
    if (!this.#closed) this.#stream.send(message);
  }

  #end(code?: "invalid-argument" | "unavailable" | "permission-denied", message = "", detail?: ErrorDetail): void {
    if (this.#closed) return;
    this.onClose();
    if (code === undefined) this.#stream.end();
    else this.#stream.end({ code, message, ...(detail === undefined ? {} : { detail }) });
  }
}

function checkNonce(nonce: Uint8Array, field: string): void {
  if (nonce.length === edgeLimits.nonceBytes) return;
  throw new InvalidField(field, shown(`${nonce.length} bytes`), `it must have ${edgeLimits.nonceBytes} random bytes`);
}

function safeNumber(value: bigint, field: string): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new InvalidField(field, value, "it must be at most 2^53-1");
}
