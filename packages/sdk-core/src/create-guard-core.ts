import { Verb } from "@quorumguard/limiter";
import {
  appliedNow,
  type Call,
  type CallItem,
  type CallVerb,
  createCall,
  isPlainTake,
  itemsOf,
  take,
  unheard,
} from "./calls/call.ts";
import { OUTCOME_ALLOWED, wireDecision } from "./calls/decisions.ts";
import { explained } from "./calls/explained.ts";
import { createPendingCalls, type PendingCalls } from "./calls/pending-calls.ts";
import { createSettler, type Settler } from "./calls/settle.ts";
import { strictest } from "./calls/strictest.ts";
import { watchSignal } from "./calls/watch-signal.ts";
import { type AttemptFailure, closedWhile, guardError } from "./calls/wire-errors.ts";
import { type ClusterCallEnds, ClusterClient } from "./cluster-client.ts";
import { OFFLINE, plainDevice } from "./device.ts";
import { createGuardEvents, type GuardEvents } from "./guard-events.ts";
import { type GuardObserver, observedCall } from "./guard-observer.ts";
import { createReservations, type Reservations } from "./holds/reservations.ts";
import { isPerRequest } from "./per-request.ts";
import type { Device, PlatformOptions } from "./platform-options.ts";
import { realMs } from "./real-time.ts";
import { failureOf } from "./requests/attempt-error.ts";
import { allListeners } from "./session/stream-listener.ts";
import { type StreamParts, streamParts } from "./session/stream-parts.ts";
import { checkCallOptions, readyTimeoutMs } from "./surface/call-options.ts";
import { bindMethods, forCaller, promiseFor } from "./surface/caller.ts";
import type {
  CallOptions,
  Check,
  Decision,
  Duration,
  GroupDecision,
  Guard,
  GuardEvent,
  InlineOptions,
  Reservation,
  ReserveOptions,
  WaitOptions,
} from "./surface/guard.ts";
import { GuardError } from "./surface/guard-error.ts";
import {
  type GuardOptions,
  hastyTimeout,
  type ResolvedGuardOptions,
  resolveGuardOptions,
} from "./surface/guard-options.ts";
import { guardOptionNames } from "./surface/option-names.ts";
import { type ArgumentReader, createArgumentReader, noOptions } from "./surface/read-arguments.ts";
import { authorizedRequests, authorizedStreams } from "./tokens/authorized-transport.ts";
import type { Runtime, StreamTransport, Transport } from "./transport.ts";
import { type Breaker, createBreaker, PROBE_TIMEOUT_MS } from "./unavailable/breaker.ts";
import { ClusterTerms, newsFor } from "./unavailable/cluster-terms.ts";
import { degradedWarning, refusedKeyWarning } from "./unavailable/degraded-warning.ts";
import { createFleet } from "./unavailable/fleet.ts";
import { createLocalLimiter, type LocalLimiter } from "./unavailable/local-limiter.ts";
import { createOverload } from "./unavailable/overload.ts";
import type { Reconciler } from "./unavailable/reconciler.ts";
import { createWithoutCluster } from "./unavailable/without-cluster.ts";
import { createWaitingLines, type WaitingLines } from "./waiting-lines.ts";
import type { DenialMemory } from "./without-network/denial-memory.ts";
import { createLocalAnswerCounts } from "./without-network/local-answer-counts.ts";
import type { LocalAnswers } from "./without-network/local-answers.ts";
import type { OwnAnswers } from "./without-network/own-answers.ts";

/**
 * Makes a guard over a transport and a runtime: all of the SDK but its edges. Nothing is sent before the first call.
 * @throws {GuardError} invalid_argument when an option is out of bounds.
 */
export function createGuardCore<const P extends string = string>(
  options: GuardOptions<P>,
  transport: StreamTransport,
  runtime: Runtime,
  platform: PlatformOptions,
): Guard<P> {
  const authorized = authorizedStreams(transport, options?.token, runtime);
  const guard = new GuardCore(options as GuardOptions<string>, authorized, streamParts(authorized), runtime, platform);
  return bindMethods(guard) as unknown as Guard<P>;
}

/**
 * Makes a guard without streams: each call is a request of its own, under a request id. It has none of the code that streams need,
 * so that a bundle that makes no other guard does not carry it.
 * @throws {GuardError} invalid_argument when an option is out of bounds.
 */
export function createRequestGuard<const P extends string = string>(
  options: GuardOptions<P>,
  transport: Transport,
  runtime: Runtime,
  platform: PlatformOptions,
): Guard<P> {
  const authorized = authorizedRequests(transport, options?.token, runtime, isPerRequest(platform));
  const guard = new GuardCore(options as GuardOptions<string>, authorized, null, runtime, platform);
  return bindMethods(guard) as unknown as Guard<P>;
}

class GuardCore implements Guard<string> {
  readonly #options: ResolvedGuardOptions;
  readonly #runtime: Runtime;
  readonly #arguments: ArgumentReader;
  readonly #observer: GuardObserver;
  readonly #events: GuardEvents;
  readonly #pending: PendingCalls;
  readonly #breaker: Breaker;
  readonly #settler: Settler;
  /** What this process answers by itself; null: nothing, as there are no streams to say what undoes it. */
  readonly #answers: OwnAnswers | null;
  readonly #device: Device;
  readonly #endDevice: () => void;
  readonly #terms: ClusterTerms;
  readonly #cluster: ClusterClient;
  readonly #reservations: Reservations;
  /** Null: there are no streams to report over. */
  readonly #reconciler: Reconciler | null;
  readonly #lines: WaitingLines;
  #local: LocalLimiter | null = null;
  #closed = false;
  /** Resolves when everything is over; null: nobody has closed it. */
  #ended: Promise<void> | null = null;

  constructor(
    options: GuardOptions<string>,
    transport: Transport,
    streams: StreamParts | null,
    runtime: Runtime,
    platform: PlatformOptions,
  ) {
    this.#options = resolveGuardOptions(options, platform.defaultEndpoints, platform.optionNames ?? guardOptionNames);
    const hasty = hastyTimeout(this.#options.timeoutMs);
    if (hasty !== null) platform.warn?.(hasty, "timeout");
    this.#runtime = runtime;
    this.#arguments = createArgumentReader(this.#options.rules);
    const monotonicMs = () => runtime.monotonicMs();
    this.#events = createGuardEvents(runtime);
    const { client, endpointOf, createDenials, observer = {}, device = plainDevice } = platform;
    this.#observer = observer;
    const emit = (event: GuardEvent) => {
      observer.event?.(event);
      this.#events.emit(event);
    };
    const warn = (about: "degraded" | "misconfigured" | "replaced", message: string) => {
      if (!this.#events.heard(about)) platform.warn?.(message, about);
    };
    const fleet = createFleet();
    const overload = createOverload(runtime);
    const local = () => (this.#local ??= createLocalLimiter(monotonicMs, () => fleet.clients));
    this.#pending = createPendingCalls(runtime, (call) => this.#onDeadline(call), streams !== null);
    this.#breaker = createBreaker({
      runtime,
      timeoutMs: this.#options.timeoutMs,
      reachable: () => this.#cluster.reachable,
      onChange: (state) => observer.breakerChanged?.(state),
    });
    this.#settler = createSettler({
      pending: this.#pending,
      breaker: this.#breaker,
      fairTimeoutMs: Math.min(this.#options.timeoutMs, PROBE_TIMEOUT_MS),
      overload,
      withoutCluster: createWithoutCluster({ local, firmDenial: (item) => this.#answers?.denial(item) ?? null }),
      onAdmittedAlone: (call, phase) => {
        if (this.#options.reconcile) this.#reconciler?.admitted(call, phase);
      },
      observer,
      monotonicMs,
      emit,
      onDegraded: (reason, decider) => warn("degraded", degradedWarning(this.#options.endpoints, reason, decider)),
      onKeyRefused: (reason, decider) => platform.warn?.(refusedKeyWarning(reason, decider), "full"),
    });
    const counts = createLocalAnswerCounts();
    observer.localAnswers?.(counts);
    const { maxRememberedKeys: maxKeys } = this.#options;
    const streamAnswers =
      streams?.createAnswers({
        ...{ runtime, maxKeys, counts },
        clients: () => fleet.clients,
        life: () => this.#cluster.life,
        grant: (item) => this.#done(item, { ...take, verb: Verb.grant }),
        giveBack: (item, handle) => this.#done(item, { ...take, verb: Verb.giveBack, handle }),
      }) ?? null;
    const denials = streams === null ? (createDenials?.({ runtime, maxKeys, counts }) ?? null) : null;
    this.#answers = streamAnswers ?? denials;
    this.#device = device;
    this.#terms = new ClusterTerms({
      runtime,
      rules: this.#options.rules,
      ask: (names) => this.#cluster.terms(names),
      onLeaseRefused: () => this.#answers?.forget(),
    });
    this.#cluster = new ClusterClient({
      options: this.#options,
      ...{ transport, streams, runtime, client, endpointOf, emit },
      hasCalls: () => this.#pending.count > 0,
      isSpared: () => this.#breaker.state !== "closed",
      listener: allListeners([fleet, overload]),
      ends: this.#createEnds(streamAnswers, denials),
      maxCallsPerRequest: platform.maxCallsPerRequest ?? 1,
      isOffline: () => device.isOffline(),
      news: newsFor(this.#answers, this.#terms),
      onFault: (failure) => this.#onFault(failure),
      onMisconfigured: (endpoint, reason) => {
        warn("misconfigured", `one of the guard's endpoints is a mistake, and is left out: ${reason}`);
        emit({ type: "misconfigured", endpoint, reason });
      },
      onReplaced: (event) => {
        warn("replaced", event.reason);
        emit(event);
      },
    });
    this.#reservations = this.#createReservations(local);
    this.#reconciler =
      streams?.createReconciler({
        runtime,
        maxCalls: this.#options.maxUnreportedCalls,
        breaker: this.#breaker,
        isReachable: () => this.#cluster.reachable,
        send: (call) => this.#cluster.submitUnheard(call),
        forget: (call) => this.#cluster.forgetReport(call),
        emit,
      }) ?? null;
    this.#lines = this.#createLines(streams === null && isPerRequest(platform));
    this.#endDevice = device.onReturn(() => {
      this.#answers?.forget();
      this.#breaker.networkIsBack();
      transport.networkIsBack?.();
      this.#lines.hurry();
    });
  }

  #createReservations(local: () => LocalLimiter): Reservations {
    return createReservations({
      runtime: this.#runtime,
      local,
      life: () => this.#cluster.life,
      replacements: () => this.#cluster.replacements,
      stampUs: (item, timeoutMs) => this.#cluster.stampUs(item, timeoutMs),
      send: (item, verb, timeoutMs, requestId) =>
        new Promise<void>((resolve, reject) => {
          const chosen = requestId === null ? { timeoutMs } : { timeoutMs, requestId };
          this.#submit(item, null, chosen, () => resolve(), reject, verb);
        }),
      sendUnheard: (call, item, verb) =>
        this.#cluster.submitUnheard({ ...unheard(call), ...item, ...verb, opened: 0, sends: 0, applied: "no" }),
    });
  }

  #createLines(perRequest: boolean): WaitingLines {
    const ask = (item: CallItem, chosen: CallOptions, unsent: (() => string) | null) =>
      new Promise<Decision>((resolve, reject) => this.#submit(item, null, chosen, resolve, reject, take, unsent));
    return createWaitingLines({
      ...{ runtime: this.#runtime, perRequest },
      askTimeoutMs: this.#options.timeoutMs,
      maxWaiting: this.#options.maxPendingCalls,
      ask: (item, { timeoutMs, signal, onUnavailable }) =>
        ask(item, { timeoutMs, ...(signal && { signal }), ...(onUnavailable && { onUnavailable }) }, null),
      lapse: (item, { timeoutMs, onUnavailable }) => {
        const late = `no turn came within ${timeoutMs} ms, and nobody before it in its line has an answer`;
        const why = () => `${late}; nothing was counted (${this.#cluster.describe()})`;
        return ask(item, { timeoutMs, ...(onUnavailable && { onUnavailable }) }, why);
      },
    });
  }

  #createEnds(streamAnswers: LocalAnswers | null, denials: DenialMemory | null): ClusterCallEnds {
    return {
      replied: (call, reply, item, current) => {
        streamAnswers?.learn(call, reply, item, current);
        if (call.abandoned) this.#breaker.answered();
        if (call.reports)
          this.#reconciler?.reported(
            call,
            reply.outcomes.slice(item, item + itemsOf(call)).every((each) => each === OUTCOME_ALLOWED),
          );
        else if (call.abandoned) this.#reservations.late(call, reply.outcomes[item]!, reply.handles[item]!);
        else this.#settler.byReply(call, reply, item);
      },
      answered: (call, result) => {
        denials?.learn(call, result);
        this.#settler.byResult(call, result);
      },
      failed: (call, failure) => {
        if (call.reports) this.#reconciler?.lost(call);
        else if (call.abandoned) call.phase = "settled";
        else this.#settler.byFailure(call, explained(failure, call.group ?? [call], this.#options));
      },
    };
  }

  allow(
    key: string,
    policyOrLimit: string | number,
    windowOrOptions?: Duration | CallOptions,
    inlineOptions?: InlineOptions,
  ): Promise<Decision> {
    const known = this.#knownAnswer(key, policyOrLimit, windowOrOptions, inlineOptions);
    if (known !== null) return Promise.resolve(known);
    return promiseFor<Decision>(methods.allow, (resolve, reject) => {
      const checkedKey = this.#arguments.key(key, policyOrLimit, windowOrOptions);
      const options = this.#arguments.allowOptions(policyOrLimit, windowOrOptions, inlineOptions);
      const rule = this.#arguments.allowRule(policyOrLimit, windowOrOptions, options);
      const cost = this.#arguments.cost(options);
      this.#submit({ key: checkedKey, rule, cost }, null, options, resolve, reject);
    });
  }

  /** The answer to a call without options that this process can give by itself: nothing is checked that was checked before. */
  #knownAnswer(key: string, policyOrLimit: unknown, windowOrOptions: unknown, inlineOptions: unknown): Decision | null {
    const options = typeof policyOrLimit === "string" ? windowOrOptions : inlineOptions;
    if (options !== undefined || this.#closed || this.#answers === null) return null;
    const rule = this.#options.rules.used(policyOrLimit, windowOrOptions);
    return rule === undefined ? null : this.#answers.answer(rule, key, 1);
  }

  allowAll<const C extends readonly Check<string>[]>(
    checks: C,
    options: Omit<CallOptions, "cost"> = noOptions,
  ): Promise<GroupDecision<C>> {
    return promiseFor<GroupDecision<C>>(methods.allowAll, (resolve, reject) => {
      const group = this.#arguments.group(checks, options);
      this.#submit(group[0]!, group, options, resolve, reject);
    });
  }

  reserve(check: Check<string>, options: ReserveOptions = noOptions): Promise<Reservation> {
    return promiseFor<Reservation>(methods.reserve, (resolve, reject) => {
      const { item, verb } = this.#arguments.reserve(check, options);
      const decided = (decision: Decision, call: Call) => resolve(this.#reservations.open(call, decision));
      this.#submit(item, null, options, decided, reject, verb);
    });
  }

  wait(check: Check<string>, options: WaitOptions): Promise<Decision> {
    return promiseFor<Decision>(methods.wait, (resolve, reject) => {
      const { item, terms } = this.#arguments.wait(check, options);
      this.#expectOpen();
      this.#lines.wait(item, terms).then(resolve, reject);
    });
  }

  peek(check: Check<string>): Promise<Decision> {
    return promiseFor<Decision>(methods.peek, (resolve, reject) => {
      const item = this.#arguments.check(check, "check", "peek");
      this.#expectOpen();
      const failed = (error: unknown) => {
        const failure = () => explained({ ...failureOf(error), applied: "no" }, [item], this.#options);
        reject(error instanceof GuardError ? error : guardError(failure(), "no"));
      };
      const peeked = this.#cluster.peek(item, this.#options.timeoutMs);
      peeked.then(({ decision }) => resolve(wireDecision(item.rule, decision)), failed);
    });
  }

  reset(check: Check<string>): Promise<void> {
    return promiseFor<void>(methods.reset, (resolve, reject) => {
      const item = { ...this.#arguments.check(check, "check", "reset"), cost: 1 };
      this.#submit(item, null, noOptions, () => resolve(), reject, { ...take, verb: Verb.reset });
    });
  }

  ready(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    return promiseFor<void>(methods.ready, (resolve, reject) => {
      const timeoutMs = readyTimeoutMs(options);
      this.#expectOpen();
      this.#cluster.ready(timeoutMs).then(resolve, reject);
    });
  }

  on<E extends GuardEvent["type"]>(
    event: E,
    listener: (event: Extract<GuardEvent, { readonly type: E }>) => void,
  ): () => void {
    return forCaller(methods.on, () => this.#events.on(event, listener));
  }

  close(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const returned = this.#answers?.close() ?? null;
    this.#closed = true;
    this.#endDevice();
    const reported = this.#reconciler?.close() ?? null;
    if (returned !== null || reported !== null) await Promise.all([returned, reported]);
    this.#terms.close();
    this.#cluster.endSession();
    this.#lines.close((key) => closedWhile("its turn", key, "no"));
    this.#pending.forEach((call) => {
      this.#settler.byError(call, closedWhile("an answer", call.key, appliedNow(call)));
    });
    await this.#cluster.close();
    this.#observer.closed?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #expectOpen(): void {
    if (this.#closed) throw new GuardError("closed", "the guard is closed; create another");
  }

  #submit(
    item: CallItem,
    group: readonly CallItem[] | null,
    options: CallOptions,
    resolve: (value: never, call: Call) => void,
    reject: (error: Error) => void,
    verb: CallVerb = take,
    /** Why it is not sent; null: it is. */
    unsent: (() => string) | null = null,
  ): void {
    // What a grant brings while the guard ends is given back.
    if (verb.verb !== Verb.giveBack) this.#expectOpen();
    const checked = options === noOptions ? null : checkCallOptions(options, this.#options.timeoutMs);
    const timeoutMs = checked?.timeoutMs ?? this.#options.timeoutMs;
    const requestId = checked?.requestId ?? null;
    // Before it is a call that anybody follows: what this process knows is counted where it is known.
    if (unsent === null && checked?.signal?.aborted !== true && isPlainTake(verb.verb, group, requestId)) {
      const known = this.#answers?.answer(item.rule, item.key, item.cost) ?? null;
      if (known !== null) {
        (resolve as (decision: Decision) => void)(known);
        return;
      }
    }
    const call = createCall(item, group, verb, {
      requestId,
      onUnavailable: checked?.onUnavailable ?? strictest(group ?? [item], this.#options.onUnavailable),
      deadlineMs: realMs(this.#runtime) + timeoutMs,
      timeoutMs,
      resolve,
      reject,
      observer: this.#observer.callStarted?.(observedCall(item, group, verb, timeoutMs)) ?? null,
    });
    this.#pending.add(call);
    if (unsent !== null) {
      this.#settler.unsent(call, unsent);
      return;
    }
    if (checked?.signal !== undefined && !watchSignal(call, checked.signal, this.#settler, this.#cluster)) return;
    this.#dispatch(call);
  }

  #dispatch(call: Call): void {
    this.#terms.used(call);
    if (this.#pending.exceeds(this.#options.maxPendingCalls)) {
      const message = `${this.#options.maxPendingCalls} calls wait in this process, the most that maxPendingCalls allows`;
      this.#settler.byError(call, new GuardError("overloaded", message));
      return;
    }
    const { fault } = this.#cluster;
    if (fault !== null) {
      this.#settler.byFailure(call, fault);
      return;
    }
    if (this.#device.isCutOff()) {
      this.#settler.unsent(call, () => OFFLINE);
      return;
    }
    // What settles a hold or empties a counter has nobody else to do it.
    const passage = call.verb === Verb.take || call.verb === Verb.reserve ? this.#breaker.admit(call) : "pass";
    if (passage === "refuse") {
      this.#settler.byBreaker(call);
      return;
    }
    if (passage === "probe" && call.timeoutMs > PROBE_TIMEOUT_MS) this.#pending.shorten(call, PROBE_TIMEOUT_MS);
    this.#cluster.submit(call);
  }

  /** A call whose answer nobody waits for by itself: it says that it is done. */
  #done(item: CallItem, verb: CallVerb): Promise<void> {
    return new Promise((resolve, reject) => this.#submit(item, null, noOptions, () => resolve(), reject, verb));
  }

  #onDeadline(call: Call): void {
    const { phase } = call;
    this.#settler.byDeadline(call, () => this.#cluster.describe());
    this.#cluster.forget(call, phase);
  }

  #onFault(failure: AttemptFailure): void {
    // Calls are to throw for it, whatever was heard before.
    this.#answers?.forget();
    this.#pending.forEach((call) => {
      const { phase } = call;
      this.#settler.byFailure(call, { ...failure, applied: appliedNow(call) });
      this.#cluster.forget(call, phase);
    });
  }
}

/** The public methods as they are declared, which is how their frames are known. */
const methods = GuardCore.prototype;
