import { Verb } from "@quorumguard/limiter";
import {
  type DecodedResponse,
  encodeSessionRequest,
  type FrameError,
  MAX_FRAME_ITEMS,
  type ReceivedReply,
  type Registered,
  Source,
  type Welcome,
} from "@quorumguard/proto";
import { abandon, attemptEnded, type Call, isSettling, itemsOf, releaseFrame } from "../calls/call.ts";
import { type CallQueue, createCallQueue } from "../calls/call-queue.ts";
import { type CallWindow, createCallWindow } from "../calls/call-window.ts";
import {
  type AttemptFailure,
  endedInFlight,
  failureAmong,
  failureOfDetail,
  failureOfTransport,
  heldElsewhere,
} from "../calls/wire-errors.ts";
import { backoffMs } from "../cluster/backoff.ts";
import { Connector } from "../cluster/connector.ts";
import type { Link } from "../cluster/link.ts";
import { createRetryBudget } from "../cluster/retry-budget.ts";
import type { Replaced } from "../cluster/succession.ts";
import { realMs } from "../real-time.ts";
import { type Runtime, TransportError } from "../transport.ts";
import { buildFrame } from "./build-frame.ts";
import { Resumptions } from "./resumptions.ts";
import type { SessionClientOptions } from "./session-client-options.ts";
import { type Registration, type Session, SessionLife } from "./session-life.ts";

/** Frames on their way at once: enough to keep the leader busy, few enough that calls gather while they are. */
const MAX_FRAMES_IN_FLIGHT = 4;
/** How long retries pause while the budget is dry. */
const DRY_BUDGET_PAUSE_MS = 250;

/**
 * Takes calls to the leader and brings back their ends: numbers them in a session, gathers the calls of one turn into
 * frames, and sends whatever is unanswered again, under the same numbers, to whoever leads next (SEMANTICS S).
 */
export class SessionClient {
  readonly #options: SessionClientOptions;
  readonly #runtime: Runtime;
  readonly #connector: Connector;
  readonly #queue: CallQueue = createCallQueue();
  readonly #budget = createRetryBudget();
  readonly #resumptions = new Resumptions();
  #window: CallWindow = createCallWindow();
  #session: Session | null = null;
  #expired = false;
  /** Calls of an expired session that were surely not applied: they start over in the next one. */
  #startOver: Call[] = [];
  #registration: Registration | null = null;
  #maxResults = 4_096;
  #ttlMs = 60_000;
  #toResend = 0;
  #resendAtMs = 0;
  #resendFailures = 0;
  #flushScheduled = false;
  #closed = false;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#connector = new Connector({
      ...options,
      handlers: {
        onActive: (link) => this.#onActive(link),
        onMessage: (link, message) => this.#onMessage(link, message),
        onDown: (link, error) => this.#onDown(link, error),
        onTopology: options.onTopology,
        onFault: options.onFault,
        onReplaced: (replaced) => this.#onReplaced(replaced),
        onMisconfigured: options.onMisconfigured,
        onWelcome: (welcome) => this.#onWelcome(welcome),
      },
    });
  }

  /** Whether the session is registered and a leader takes its calls. */
  get established(): boolean {
    return this.#session !== null && !this.#expired && this.#connector.active !== null;
  }

  /** How long what the session holds surely lives; null: there is no session. */
  get life(): SessionLife | null {
    return this.#session?.life ?? null;
  }

  get fault(): AttemptFailure | null {
    return this.#connector.fault;
  }

  /** An endpoint for calls outside the session: the leader's if it is known. */
  get endpoint(): string | null {
    return this.#connector.active?.endpoint ?? null;
  }

  /** The state of the connections, for messages. */
  describe(): string {
    return this.#connector.describe();
  }

  start(): void {
    this.#connector.start();
  }

  submit(call: Call): void {
    this.#queue.push(call);
    if (this.#connector.active === null) this.#connector.start();
    else this.#scheduleFlush();
  }

  /** The call ended by its deadline or its caller's wish; its phase was `phase` until then, and is `settled` now. */
  forget(call: Call, phase: Call["phase"]): void {
    if (this.#staysOpen(call, phase)) {
      call.phase = phase;
      abandon(call);
      this.#afterEnds();
      return;
    }
    if (phase === "queued") {
      this.#queue.dropped();
      return;
    }
    if (phase === "toResend") this.#toResend -= 1;
    releaseFrame(call);
    // Acknowledging it is what keeps a copy that is still on its way from ever being executed.
    this.#window.advance();
    this.#afterEnds();
  }

  /** Its end still matters: a hold that nobody knows of would stay open, and one that is not settled as well. */
  #staysOpen(call: Call, phase: Call["phase"]): boolean {
    if (this.#closed || phase === "settled") return false;
    if (isSettling(call) || (call.reports && phase !== "queued")) return true;
    return call.verb === Verb.reserve && (phase === "inFlight" || (phase === "toResend" && call.applied === "unknown"));
  }

  close(): void {
    this.#closed = true;
    const link = this.#connector.active;
    if (link !== null && this.#session !== null) link.send(encodeSessionRequest({ case: "goodbye", value: {} }));
    this.#session?.life.end();
    this.#connector.close();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#runtime.endOfTurn(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const link = this.#connector.active;
    if (link === null || this.#session === null || link.session !== this.#session || this.#expired) return;
    while (!link.silent && link.framesInFlight < MAX_FRAMES_IN_FLIGHT) {
      if (!this.#resumptions.mayCarry(link, this.#session, this.#runtime.monotonicMs())) return;
      const calls = this.#nextCalls();
      if (calls.length === 0) return;
      this.#send(link, calls);
    }
  }

  /** Calls for the next frame: what must be sent again first, so that numbers are settled in order. */
  #nextCalls(): Call[] {
    if (this.#toResend > 0 && this.#runtime.monotonicMs() >= this.#resendAtMs) {
      const run = this.#window.nextResend(MAX_FRAME_ITEMS);
      this.#toResend -= run.length;
      return run;
    }
    const calls: Call[] = [];
    let items = 0;
    for (let call = this.#queue.peek(); call !== null; call = this.#queue.peek()) {
      // The cluster keeps a result for every number of the window; beyond it, calls wait here (SEMANTICS S3).
      if (this.#window.span >= this.#maxResults) break;
      items += itemsOf(call);
      if (items > MAX_FRAME_ITEMS) break;
      this.#queue.shift();
      this.#window.add(call);
      calls.push(call);
    }
    return calls;
  }

  #send(link: Link, calls: readonly Call[]): void {
    const nowMs = this.#runtime.monotonicMs();
    const message = buildFrame(calls, this.#window.ackedThrough, realMs(this.#runtime));
    const frame = { open: calls.length, carrier: link };
    link.framesInFlight += 1;
    const wallMs = this.#runtime.wallMs();
    for (const call of calls) {
      call.frame = frame;
      call.phase = "inFlight";
      if (call.sends === 0) {
        call.sentMs = nowMs;
        call.sentWallMs = wallMs;
      }
      call.sends += 1;
      call.observer?.sent?.(link.endpoint, call.sends, call.number);
    }
    link.send(message);
  }

  #onWelcome(welcome: Welcome): void {
    this.#options.listener.welcomed(welcome, this.#session !== null);
    if (welcome.maxResults > 0) this.#maxResults = welcome.maxResults;
    if (welcome.sessionTtlMs > 0n) this.#ttlMs = Number(welcome.sessionTtlMs);
  }

  #onActive(link: Link | null): void {
    if (link === null || this.#closed) return;
    this.#options.news.streamBegan(link.heard?.policyVersion ?? null);
    if (this.#session === null) {
      this.#register(link);
      return;
    }
    if (this.#expired) return;
    if (link.session !== this.#session) this.#resumptions.resume(link, this.#session, this.#runtime.monotonicMs());
    // Also when this stream resumed before: leadership may come back to a node while its successor is only paused.
    this.#takeBack((call) => call.frame?.carrier !== link, "unknown", "the leader changed");
    this.#resendAtMs = 0;
    this.#options.onEstablished();
    this.#session.life.reachable();
    this.#flush();
  }

  /** Ends the attempts of calls in flight that `which` names, so that they are sent again. */
  #takeBack(which: (call: Call) => boolean, applied: "no" | "unknown", why: string): boolean {
    let any = false;
    this.#window.forEach((call) => {
      if (call.phase !== "inFlight" || !which(call)) return;
      any = true;
      attemptEnded(call, applied, why);
      call.phase = "toResend";
      this.#toResend += 1;
    });
    return any;
  }

  #register(link: Link): void {
    const sentMs = this.#runtime.monotonicMs();
    this.#registration ??= { nonce: this.#runtime.randomBytes(16), helloStampUs: link.helloStampUs, sentMs };
    const { nonce, helloStampUs } = this.#registration;
    link.send(encodeSessionRequest({ case: "register", value: { nonce, helloStampUs } }));
  }

  #onRegistered(link: Link, { session }: Registered): void {
    const registration = this.#registration;
    if (registration === null || session === undefined || this.#session !== null) return;
    // The answer on another stream to the same nonce is as good.
    this.#registration = null;
    const life = new SessionLife(this.#runtime, this.#ttlMs, registration.sentMs, (id) => this.#sendRenewal(id));
    this.#session = { index: session.index, position: session.position, nonce: registration.nonce, life };
    link.session = this.#session;
    const { active } = this.#connector;
    if (active === link) {
      this.#options.onEstablished();
      this.#flush();
    } else if (active !== null) this.#onActive(active);
  }

  #onMessage(link: Link, decoded: DecodedResponse): void {
    if (decoded.kind === "reply") {
      if (link.session !== null && link.session === this.#session) this.#onReply(link, decoded.reply);
      return;
    }
    const { message } = decoded.message;
    link.heard?.message(message, this.#options.news);
    this.#options.listener.told(message);
    if (message.case === "resumed") this.#resumptions.resumed(link);
    switch (message.case) {
      case "registered":
        this.#onRegistered(link, message.value);
        return;
      case "error":
        this.#onError(link, message.value);
        return;
      case "topology":
        this.#connector.observe(link, message.value);
        return;
      case "drain":
        this.#connector.drained(link);
        return;
      case "renewed":
        if (link.session !== null && link.session === this.#session) this.#session.life.renewed(message.value.id);
        return;
      default:
        // Pongs have done their work by being heard, which may end a silence; pushes of the future are not for us.
        this.#scheduleFlush();
    }
  }

  #onReply(link: Link, reply: ReceivedReply): void {
    const isCurrent = link.heard?.reply(reply, this.#options.news) === true && link === this.#connector.active;
    let item = reply.items;
    let allDecided = true;
    // From the end, since only the numbers at the front may have left the window, and with them their sizes.
    for (let at = reply.calls - 1; at >= 0; at--) {
      const call = this.#window.get(reply.firstNumber + (reply.offsets === null ? at : reply.offsets[at]!));
      if (call === null) break;
      item -= itemsOf(call);
      if (item < 0) break;
      if (call.phase === "settled") continue;
      // The first attempt was denied without an entry, but another one is on its way and may be charged: what that comes to counts.
      if (reply.source === Source.LEADER && call.sends > 1) continue;
      const failure = failureAmong(reply.outcomes, item, item + itemsOf(call));
      if (failure !== null) {
        allDecided = false;
        this.#attemptFailed(call, failure);
        continue;
      }
      if (call.phase === "toResend") this.#toResend -= 1;
      releaseFrame(call);
      if (reply.index > 0) this.#session?.life.heard(call.sentMs);
      if (call.verb === Verb.reset) link.heard?.reset(reply.index);
      this.#options.ends.decided(call, reply, item, isCurrent);
    }
    if (allDecided) {
      this.#budget.succeeded();
      this.#resendFailures = 0;
      this.#connector.accepted();
    } else if (!this.#expired) this.#resendLater(0);
    this.#window.advance();
    this.#afterEnds();
  }

  #onError(link: Link, error: FrameError): void {
    if (error.detail === undefined) return;
    const failure = failureOfDetail(error.detail);
    const firstNumber = Number(error.firstNumber);
    if (failure.code === "session_expired") this.#expire(link);
    if (firstNumber === 0) {
      this.#onStreamError(link, failure);
      return;
    }
    if (link.session === null || link.session !== this.#session) return;
    let any = false;
    for (let number = firstNumber; number < firstNumber + Math.min(error.calls, MAX_FRAME_ITEMS); number++) {
      const call = this.#window.get(number);
      if (call === null || call.phase !== "inFlight" || call.frame?.carrier !== link) continue;
      any = true;
      this.#attemptFailed(call, failure);
    }
    this.#window.advance();
    if (any && failure.retryable) this.#retryAfter(link, failure);
    this.#afterEnds();
  }

  /** Hints are followed at once and cost nothing; every other failure is counted and waited for. */
  #retryAfter(link: Link, failure: AttemptFailure): void {
    const before = this.#connector.active;
    const hinted = failure.detail !== null && failure.detail.leaderId !== 0n;
    if (!hinted) this.#budget.failed();
    const retryAfterMs = Math.max(failure.retryAfterMs, this.#budget.dry ? DRY_BUDGET_PAUSE_MS : 0);
    this.#connector.refused(link, { ...failure, retryAfterMs });
    if (this.#connector.active === before && before === link) this.#resendLater(failure.retryAfterMs);
  }

  #onStreamError(link: Link, failure: AttemptFailure): void {
    if (failure.code === "session_expired") {
      // Also how a register that took too long is refused: nothing was sent under it, so it may start over.
      this.#registration = null;
      if (this.#session === null) link.drop(new TransportError("unknown", failure.message));
      this.#afterEnds();
      return;
    }
    if (failure.retryable) {
      this.#connector.refused(link, failure);
      return;
    }
    // Of a session that is known to be over, no renewal can be had: what is still on its way here has an answer of its own.
    if (!this.#expired) link.drop(new TransportError("unknown", failure.message));
  }

  #attemptFailed(call: Call, failure: AttemptFailure): void {
    const wasToResend = call.phase === "toResend";
    attemptEnded(call, failure.applied, failure.message);
    if (failure.code === "session_expired" || this.#expired) {
      if (wasToResend) this.#toResend -= 1;
      this.#leave();
      this.#settleExpired(call);
      return;
    }
    if (!failure.retryable || (call.abandoned && call.verb === Verb.reserve && call.applied === "no")) {
      if (wasToResend) this.#toResend -= 1;
      this.#options.ends.failed(call, failure);
      return;
    }
    call.phase = "toResend";
    if (!wasToResend) this.#toResend += 1;
  }

  #resendLater(atLeastMs: number): void {
    this.#resendFailures += 1;
    const jitterMs = backoffMs(this.#resendFailures, this.#runtime);
    const delayMs = Math.max(atLeastMs, this.#budget.dry ? DRY_BUDGET_PAUSE_MS : jitterMs);
    this.#resendAtMs = this.#runtime.monotonicMs() + delayMs;
    this.#runtime.setTimer(() => this.#flush(), delayMs, false);
  }

  #onDown(link: Link, error: TransportError): void {
    const failure = failureOfTransport(error);
    if (this.#takeBack((call) => call.frame?.carrier === link, "unknown", failure.message)) this.#budget.failed();
    link.framesInFlight = 0;
    this.#afterEnds();
  }

  /** The session is gone: what is in flight will still be answered or ends with its link; the rest is settled now. */
  #expire(link: Link): void {
    if (this.#session === null || (link.session !== null && link.session !== this.#session)) return;
    this.#leave();
  }

  /** Nothing more is sent in this session, which holds nothing any more. */
  #leave(): void {
    this.#expired = true;
    this.#session?.life.end();
  }

  /** SEMANTICS S4: only what was surely not applied may be sent in another session. */
  #settleExpired(call: Call): void {
    if (call.applied === "no" && (!call.abandoned || call.reports)) {
      call.phase = "queued";
      this.#startOver.push(call);
      return;
    }
    this.#options.ends.failed(call, endedInFlight);
  }

  /** After calls ended: room for more, or the moment to leave an expired session. */
  #afterEnds(): void {
    if (this.#closed) return;
    if (!this.#expired) {
      this.#scheduleFlush();
      return;
    }
    let inFlight = false;
    this.#window.forEach((call) => {
      if (call.phase === "inFlight") inFlight = true;
      if (call.phase !== "toResend") return;
      this.#toResend -= 1;
      this.#settleExpired(call);
    });
    if (!inFlight) this.#startAnew();
  }

  /**
   * The cluster that knew the session is gone with its counts. What was surely not applied is asked of the new one, but for what
   * settles a hold: its number may mean somebody else's there.
   */
  #onReplaced(replaced: Replaced): void {
    this.#takeBack(() => true, "unknown", "the cluster was replaced");
    this.#leave();
    const drop = (call: Call): void => {
      if (call.handle === 0 || call.phase === "settled") return;
      if (call.phase === "toResend") this.#toResend -= 1;
      else this.#queue.dropped();
      this.#options.ends.failed(call, heldElsewhere);
    };
    this.#window.forEach(drop);
    this.#queue.forEach(drop);
    this.#options.onReplaced(replaced);
    this.#afterEnds();
  }

  #startAnew(): void {
    this.#session?.life.end();
    this.#session = null;
    this.#expired = false;
    this.#registration = null;
    this.#window = createCallWindow();
    this.#toResend = 0;
    const calls = this.#startOver;
    this.#startOver = [];
    for (const call of calls) {
      if (call.phase !== "queued") continue;
      call.number = 0;
      this.#queue.push(call);
    }
    // A fresh stream brings the fresh stamp that a register must carry.
    this.#connector.active?.drop(new TransportError("unknown", "the session expired; a new one begins"));
  }

  /** False: nobody takes it now. */
  #sendRenewal(id: bigint): boolean {
    const link = this.#connector.active;
    if (link === null || link.session !== this.#session || this.#expired) return false;
    link.send(encodeSessionRequest({ case: "renew", value: { id, ackedThrough: BigInt(this.#window.ackedThrough) } }));
    // Nobody's deadline ends these any more, and one without an answer would hold up the session's memory.
    if (this.#takeBack((call) => call.abandoned, "unknown", "no answer came")) this.#scheduleFlush();
    return true;
  }
}
