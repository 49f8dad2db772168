import { Algorithm, Verb } from "@quorumguard/limiter";
import { appliedNow, type Call, type CallItem, type CallVerb, take } from "./calls/call.ts";
import { countedDecision, wireSource } from "./calls/decisions.ts";
import { createPendingCalls } from "./calls/pending-calls.ts";
import { createSettler, deadlineError } from "./calls/settle.ts";
import { type AttemptFailure, guardError } from "./calls/wire-errors.ts";
import { createMembership, type Membership } from "./cluster/membership.ts";
import { createReadyWaiters, type ReadyWaiters } from "./cluster/ready-waiters.ts";
import { createClusterView } from "./cluster/topology.ts";
import { createGuardEvents, type GuardEvents } from "./guard-events.ts";
import { createReservations, type Reservations } from "./holds/reservations.ts";
import { createRequestClient, failureOf } from "./requests/request-client.ts";
import { SessionClient } from "./session/session-client.ts";
import {
  missingLimit,
  notOptions,
  notPolicyArgument,
  takesNoSlot,
  unknownPolicyMessage,
} from "./surface/allow-arguments.ts";
import { checkCallOptions } from "./surface/call-options.ts";
import { checkKey, checkWhole, invalidArgument } from "./surface/check-fields.ts";
import { ttlMs } from "./surface/duration.ts";
import type {
  CallOptions,
  Check,
  Decision,
  Duration,
  GroupDecision,
  Guard,
  GuardEvent,
  Reservation,
  ReserveOptions,
  Rule,
} from "./surface/guard.ts";
import { GuardError } from "./surface/guard-error.ts";
import { type GuardOptions, resolveGuardOptions } from "./surface/guard-options.ts";
import { checkNames } from "./surface/known-names.ts";
import {
  groupCallNames,
  guardOptionNames,
  inlineCallNames,
  inlineCheckNames,
  policyCallNames,
  policyCheckNames,
  readyNames,
  reserveNames,
} from "./surface/option-names.ts";
import type { ResolvedRule } from "./surface/resolved-rule.ts";
import type { Runtime, Transport } from "./transport.ts";
import { degradedWarning } from "./unavailable/degraded-warning.ts";
import { createLocalLimiter, type LocalLimiter } from "./unavailable/local-limiter.ts";

/** Checks of one group. */
const MAX_GROUP_ITEMS = 1_024;
const DEFAULT_READY_TIMEOUT_MS = 10_000;

/** What a platform's package adds to the options of its users. */
export interface PlatformOptions {
  /** Used when the caller names no endpoint. */
  readonly defaultEndpoints: string | readonly string[];
  /** For operators: "sdk-node/0.1.0 node/24". */
  readonly client: string;
  /** The names of the options that this package takes. Default: those of every guard. */
  readonly optionNames?: readonly string[];
  /** Which of a member's addresses this transport speaks to, from the wire's Member and the caller's endpoints. */
  readonly endpointOf: (member: { readonly grpcEndpoint: string; readonly httpUrl: string }) => string;
  /**
   * Told of the first decision of an outage that was made without the cluster, unless somebody listens for `degraded`; once
   * per outage. Default: nobody is told.
   */
  readonly warn?: (message: string) => void;
}

/**
 * Makes a guard over a transport and a runtime: all of the SDK but its edges. Nothing is sent before the first call.
 * @throws {GuardError} invalid_argument when an option is out of bounds.
 */
export function createGuardCore<const P extends string = string>(
  options: GuardOptions<P>,
  transport: Transport,
  runtime: Runtime,
  platform: PlatformOptions,
): Guard<P> {
  return new GuardCore(options as GuardOptions<string>, transport, runtime, platform) as unknown as Guard<P>;
}

const noOptions: CallOptions = {};

class GuardCore implements Guard<string> {
  readonly #options: ReturnType<typeof resolveGuardOptions>;
  readonly #transport: Transport;
  readonly #runtime: Runtime;
  readonly #pending: ReturnType<typeof createPendingCalls>;
  readonly #settler: ReturnType<typeof createSettler>;
  readonly #session: SessionClient | null;
  readonly #requests: ReturnType<typeof createRequestClient>;
  /** Where streams do not say which cluster answers; null: they do, or there is one endpoint only. */
  readonly #membership: Membership | null;
  readonly #view: ReturnType<typeof createClusterView>;
  readonly #events: GuardEvents;
  readonly #waiters: ReadyWaiters;
  readonly #reservations: Reservations;
  #local: LocalLimiter | null = null;
  #closed = false;

  constructor(options: GuardOptions<string>, transport: Transport, runtime: Runtime, platform: PlatformOptions) {
    this.#options = resolveGuardOptions(options, platform.defaultEndpoints, platform.optionNames ?? guardOptionNames);
    this.#transport = transport;
    this.#runtime = runtime;
    const monotonicMs = () => runtime.monotonicMs();
    this.#events = createGuardEvents(runtime);
    this.#waiters = createReadyWaiters(runtime, () => this.#session?.describe() ?? "");
    // One client: the cluster does not yet tell how many there are (SEMANTICS U1).
    const local = () => (this.#local ??= createLocalLimiter(monotonicMs, () => 1));
    this.#pending = createPendingCalls(runtime, (call) => this.#onDeadline(call), transport.openSession !== undefined);
    this.#settler = createSettler({
      pending: this.#pending,
      local,
      monotonicMs,
      emit: (event) => this.#events.emit(event),
      onDegraded: (reason, decider) => {
        if (platform.warn === undefined || this.#events.heard("degraded")) return;
        platform.warn(degradedWarning(this.#options.endpoints, reason, decider));
      },
    });
    this.#view = createClusterView(platform.endpointOf);
    this.#session = transport.openSession === undefined ? null : this.#createSession(platform.client);
    this.#requests = createRequestClient({
      transport,
      runtime,
      endpoints: this.#options.endpoints,
      namespace: this.#options.namespace,
      preferred: () => this.#session?.endpoint ?? null,
      onAsk: (endpoint) => void this.#membership?.check(endpoint),
      onMisconfigured: (endpoint, reason) => this.#events.emit({ type: "misconfigured", endpoint, reason }),
      ends: {
        decided: (call, result) => this.#settler.byResult(call, result),
        failed: (call, failure) => this.#failed(call, failure),
      },
    });
    this.#reservations = createReservations({
      runtime,
      local,
      life: () => this.#session?.life ?? null,
      stampUs: async (item, timeoutMs) => (await this.#requests.peek(item, timeoutMs)).stampUs,
      send: (item, verb, timeoutMs, requestId) =>
        new Promise<void>((resolve, reject) => {
          const options = requestId === null ? { timeoutMs } : { timeoutMs, requestId };
          this.#submit(item, null, options, () => resolve(), reject, verb);
        }),
      sendUnheard: (call, item, verb) => {
        const unheard = { opened: 0, phase: "queued", number: 0, sends: 0, applied: "no" } as const;
        this.#session?.submit({ ...call, ...item, ...verb, ...unheard });
      },
    });
    const manyWithoutStreams = this.#session === null && this.#options.endpoints.length > 1;
    this.#membership = manyWithoutStreams ? this.#createMembership() : null;
  }

  #createMembership(): Membership {
    return createMembership({
      runtime: this.#runtime,
      view: this.#view,
      ask: (endpoint) => this.#requests.topologyOf(endpoint, this.#options.timeoutMs),
      onFault: (failure) => this.#onFault(failure),
      onTopology: () => this.#onTopology(),
    });
  }

  #createSession(client: string): SessionClient {
    const { openSession } = this.#transport;
    if (openSession === undefined) throw new Error("the transport has no sessions");
    return new SessionClient({
      seeds: this.#options.endpoints,
      routing: this.#options.routing,
      runtime: this.#runtime,
      view: this.#view,
      link: {
        transport: {
          ...this.#transport,
          openSession: (endpoint, handlers) => openSession.call(this.#transport, endpoint, handlers),
        },
        runtime: this.#runtime,
        client,
        namespace: this.#options.namespace,
        clusterId: () => this.#view.clusterId,
        hurry: () => this.#pending.count > 0 || this.#waiters.count > 0,
      },
      ends: {
        decided: (call, reply, item) => {
          if (call.abandoned) this.#reservations.late(call, reply.outcomes[item]!, reply.handles[item]!);
          else this.#settler.byReply(call, reply, item);
        },
        failed: (call, failure) => {
          if (call.abandoned) call.phase = "settled";
          else this.#failed(call, failure);
        },
      },
      onFault: (failure) => this.#onFault(failure),
      onMisconfigured: (endpoint, reason) => this.#events.emit({ type: "misconfigured", endpoint, reason }),
      onTopology: () => this.#onTopology(),
      onEstablished: () => this.#waiters.resolve(),
    });
  }

  allow(
    key: string,
    policyOrLimit: string | number,
    windowOrOptions?: Duration | CallOptions,
    inlineOptions?: CallOptions & Pick<Rule, "algorithm" | "burst">,
  ): Promise<Decision> {
    return new Promise<Decision>((resolve, reject) => {
      const named = typeof policyOrLimit === "string";
      const policy = named ? this.#policy(policyOrLimit, windowOrOptions) : null;
      const options = ((named ? windowOrOptions : inlineOptions) as typeof inlineOptions) ?? noOptions;
      if (typeof options !== "object") throw notOptions(options, policy?.name ?? null);
      if (options !== noOptions) checkNames(options, named ? policyCallNames : inlineCallNames);
      const rule =
        policy ??
        this.#inlineRule(
          policyOrLimit as number,
          windowOrOptions as Duration,
          options as Pick<Rule, "algorithm" | "burst">,
        );
      if (rule.algorithm === Algorithm.concurrency) throw takesNoSlot();
      const cost = options.cost === undefined ? 1 : checkWhole(options.cost, "cost", 1);
      this.#submit({ key: checkKey(key), rule, cost }, null, options, resolve, reject);
    });
  }

  #policy(name: string, next: unknown): ResolvedRule {
    const { rules } = this.#options;
    const known = rules.find(name);
    if (known !== undefined) return known;
    const misread = notPolicyArgument(name, next);
    if (misread !== null) throw misread;
    return rules.policy(name, "policy");
  }

  #inlineRule(limit: number, window: Duration, options: Pick<Rule, "algorithm" | "burst">): ResolvedRule {
    if (limit === undefined) throw missingLimit();
    const { algorithm, burst } = options;
    if (algorithm === undefined && burst === undefined) return this.#options.rules.plain(limit, window);
    return this.#options.rules.inline({
      limit,
      window,
      ...(algorithm === undefined ? {} : { algorithm }),
      ...(burst === undefined ? {} : { burst }),
    });
  }

  allowAll<const C extends readonly Check<string>[]>(
    checks: C,
    options: Omit<CallOptions, "cost"> = noOptions,
  ): Promise<GroupDecision<C>> {
    return new Promise<GroupDecision<C>>((resolve, reject) => {
      if (!Array.isArray(checks) || checks.length === 0 || checks.length > MAX_GROUP_ITEMS) {
        throw invalidArgument(
          "checks",
          Array.isArray(checks) ? checks.length : checks,
          `give 1 to ${MAX_GROUP_ITEMS} checks`,
        );
      }
      if (typeof options !== "object" || options === null)
        throw invalidArgument("options", options, "it must be an object");
      if (options !== noOptions) checkNames(options, groupCallNames);
      const group = checks.map((check: Check<string>, at) => this.#checkItem(check, `checks[${at}]`));
      if (group.some(({ rule }) => rule.algorithm === Algorithm.concurrency)) throw takesNoSlot();
      this.#submit(group[0]!, group, options, resolve, reject);
    });
  }

  reserve(check: Check<string>, options: ReserveOptions = noOptions): Promise<Reservation> {
    return new Promise<Reservation>((resolve, reject) => {
      if (typeof options !== "object" || options === null) throw notOptions(options, null);
      if (options !== noOptions) checkNames(options, reserveNames);
      const asked = this.#checkItem(check, "check");
      if (options.cost !== undefined && check.cost !== undefined) {
        throw invalidArgument("cost", options.cost, "the check has a cost already; give it once");
      }
      const item = options.cost === undefined ? asked : { ...asked, cost: checkWhole(options.cost, "cost", 1) };
      const verb = { ...take, verb: Verb.reserve, ttlMs: options.ttl === undefined ? 0 : ttlMs(options.ttl, "ttl") };
      const decided = (decision: Decision, call: Call) => resolve(this.#reservations.open(call, decision));
      this.#submit(item, null, options, decided, reject, verb);
    });
  }

  async peek(check: Check<string>): Promise<Decision> {
    const item = this.#checkItem(check, "check");
    this.#expectOpen();
    this.#expectOneCluster();
    this.#session?.start();
    try {
      const { decision: wire } = await this.#requests.peek(item, this.#options.timeoutMs);
      const retryAfterMs = wire.retryAfterMs === undefined ? -1 : Number(wire.retryAfterMs);
      const { limit, outcome, remaining, resetAfterMs, shadow } = wire;
      const source = wireSource(wire.source);
      return countedDecision(item.rule, limit, source, outcome, remaining, Number(resetAfterMs), retryAfterMs, shadow);
    } catch (error) {
      throw guardError(this.#explained({ ...failureOf(error), applied: "no" }, [item]), "no");
    }
  }

  reset(check: Check<string>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const item = { ...this.#checkItem(check, "check"), cost: 1 };
      this.#submit(item, null, noOptions, () => resolve(), reject, { ...take, verb: Verb.reset });
    });
  }

  async ready(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (typeof options !== "object" || options === null)
      throw invalidArgument("options", options, "it must be an object");
    checkNames(options, readyNames);
    const timeoutMs = checkWhole(options.timeoutMs ?? DEFAULT_READY_TIMEOUT_MS, "timeoutMs", 1);
    this.#expectOpen();
    const session = this.#session;
    if (session === null) {
      try {
        const topology = await this.#requests.topology(timeoutMs);
        if (!this.#view.foreign(topology) && this.#view.observe(topology)) this.#onTopology();
      } catch (error) {
        throw guardError({ ...failureOf(error), applied: "no" }, "no");
      }
      await Promise.all(this.#options.endpoints.map((endpoint) => this.#membership?.check(endpoint)));
      this.#expectOneCluster();
      return;
    }
    this.#expectOneCluster();
    if (session.established) return;
    const waiting = this.#waiters.wait(timeoutMs);
    session.start();
    await waiting;
  }

  on<E extends GuardEvent["type"]>(
    event: E,
    listener: (event: Extract<GuardEvent, { readonly type: E }>) => void,
  ): () => void {
    return this.#events.on(event, listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#session?.close();
    this.#pending.forEach((call) => {
      const applied = call.phase === "inFlight" ? "unknown" : call.applied;
      this.#settler.byError(call, new GuardError("closed", "the guard was closed while the call waited", { applied }));
    });
    this.#waiters.reject(new GuardError("closed", "the guard was closed"));
    await this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #expectOpen(): void {
    if (this.#closed) throw new GuardError("closed", "the guard is closed; create another");
  }

  get #fault(): AttemptFailure | null {
    return this.#session?.fault ?? this.#membership?.fault ?? null;
  }

  #expectOneCluster(): void {
    const fault = this.#fault;
    if (fault?.code === "wrong_cluster") throw guardError(fault, "no");
  }

  #checkItem(check: Check<string>, path: string): CallItem {
    if (typeof check !== "object" || check === null) throw invalidArgument(path, check, "it must be a check {key, …}");
    const named = "policy" in check;
    checkNames(check, named ? policyCheckNames : inlineCheckNames, path);
    const key = checkKey(check.key, `${path}.key`);
    const cost = check.cost === undefined ? 1 : checkWhole(check.cost, `${path}.cost`, 1);
    const rule = named
      ? this.#options.rules.policy(check.policy, `${path}.policy`)
      : this.#options.rules.inline(check, path);
    return { key, rule, cost };
  }

  #submit(
    item: CallItem,
    group: readonly CallItem[] | null,
    options: CallOptions,
    resolve: (value: never, call: Call) => void,
    reject: (error: Error) => void,
    verb: CallVerb = take,
  ): void {
    this.#expectOpen();
    const checked = options === noOptions ? null : checkCallOptions(options, this.#options.timeoutMs);
    const timeoutMs = checked?.timeoutMs ?? this.#options.timeoutMs;
    const call: Call = {
      key: item.key,
      rule: item.rule,
      cost: item.cost,
      group,
      ...verb,
      requestId: checked?.requestId ?? null,
      onUnavailable: checked?.onUnavailable ?? item.rule.onUnavailable ?? this.#options.onUnavailable,
      deadlineMs: this.#runtime.monotonicMs() + timeoutMs,
      timeoutMs,
      resolve,
      reject,
      signal: null,
      onAbort: null,
      phase: "queued",
      number: 0,
      frame: null,
      opened: 0,
      openForMs: 0,
      openedAtUs: 0,
      sentMs: 0,
      abandoned: false,
      sends: 0,
      applied: "no",
      lastFailure: null,
      cancelTimer: null,
      previous: null,
      next: null,
    };
    this.#pending.add(call);
    if (checked?.signal !== undefined && !this.#watch(call, checked.signal)) return;
    this.#dispatch(call);
  }

  #dispatch(call: Call): void {
    if (this.#pending.count > this.#options.maxPendingCalls) {
      const message = `${this.#options.maxPendingCalls} calls wait in this process, the most that maxPendingCalls allows`;
      this.#settler.byError(call, new GuardError("overloaded", message));
      return;
    }
    const fault = this.#fault;
    if (fault !== null) this.#settler.byFailure(call, fault);
    else if (this.#session === null || call.requestId !== null) this.#requests.submit(call);
    else this.#session.submit(call);
  }

  /** Ties the call to its caller's signal; false: it is aborted already. */
  #watch(call: Call, signal: NonNullable<CallOptions["signal"]>): boolean {
    const abort = (): void => {
      const { phase } = call;
      if (phase === "settled") return;
      const applied = phase === "inFlight" ? "unknown" : call.applied;
      const message =
        applied === "no" ? "the call was aborted; nothing was counted" : "the call was aborted after it was sent";
      this.#settler.byError(call, new GuardError("aborted", message, { applied, cause: signal.reason }));
      if (call.requestId === null) this.#session?.forget(call, phase);
    };
    if (signal.aborted) {
      const cause = signal.reason;
      this.#settler.byError(
        call,
        new GuardError("aborted", "the signal was aborted already", { applied: "no", cause }),
      );
      return false;
    }
    call.signal = signal;
    call.onAbort = abort;
    signal.addEventListener("abort", abort, { once: true });
    return true;
  }

  #onDeadline(call: Call): void {
    const { phase } = call;
    this.#settler.byError(call, deadlineError(call, this.#session?.describe() ?? ""));
    if (call.requestId === null) this.#session?.forget(call, phase);
  }

  #failed(call: Call, failure: AttemptFailure): void {
    this.#settler.byFailure(call, this.#explained(failure, call.group ?? [call]));
  }

  /** A policy that nobody knows is named, and what was most likely meant. */
  #explained(failure: AttemptFailure, items: readonly CallItem[]): AttemptFailure {
    if (failure.code !== "unknown_policy") return failure;
    const names = new Set(items.filter(({ rule }) => rule.algorithm === 0).map(({ rule }) => rule.policy));
    return { ...failure, message: unknownPolicyMessage([...names], this.#options.rules.names) };
  }

  #onFault(failure: AttemptFailure): void {
    this.#waiters.reject(guardError(failure, "no"));
    this.#pending.forEach((call) => {
      const { phase } = call;
      this.#settler.byFailure(call, { ...failure, applied: appliedNow(call) });
      if (call.requestId === null) this.#session?.forget(call, phase);
    });
  }

  #onTopology(): void {
    const { clusterId, term, leaderId, endpoints } = this.#view;
    this.#events.emit({ type: "topology", clusterId, term, leaderId, endpoints: [...endpoints.values()] });
  }
}
