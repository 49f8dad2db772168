import type { CallResult, PlainMessage, ReceivedReply } from "@quorumguard/proto";
import type { Call, CallItem } from "./calls/call.ts";
import { type AttemptFailure, guardError } from "./calls/wire-errors.ts";
import { BACKOFF_CAP_MS, IDLE_BACKOFF_CAP_MS, SPARED_BACKOFF_CAP_MS } from "./cluster/backoff.ts";
import { createMembership, type Membership } from "./cluster/membership.ts";
import { createReadyWaiters, type ReadyWaiters } from "./cluster/ready-waiters.ts";
import { replacedEvent } from "./cluster/replaced-event.ts";
import type { Replaced } from "./cluster/succession.ts";
import { type ClusterView, createClusterView } from "./cluster/topology.ts";
import { failureOf } from "./requests/attempt-error.ts";
import { createRequestClient, type RequestClient, soonMs } from "./requests/request-client.ts";
import type { SessionClient } from "./session/session-client.ts";
import type { SessionLife } from "./session/session-life.ts";
import type { StreamListener } from "./session/stream-listener.ts";
import type { StreamParts } from "./session/stream-parts.ts";
import type { GuardEvent } from "./surface/guard.ts";
import { GuardError } from "./surface/guard-error.ts";
import type { ResolvedGuardOptions } from "./surface/guard-options.ts";
import type { Runtime, Transport } from "./transport.ts";
import type { ToldTerms } from "./unavailable/cluster-terms.ts";
import { readTerms, termsRequest } from "./unavailable/read-terms.ts";
import type { ClusterNews } from "./without-network/local-answers.ts";

/** Where the ends of calls go. Each call ends once; the sink sets its phase to `settled` before it returns. */
export interface ClusterCallEnds {
  /** Decided through the session; `item` is where the call's values begin in the reply. */
  replied(call: Call, reply: ReceivedReply, item: number, current: boolean): void;
  /** Decided by a request of its own. */
  answered(call: Call, result: PlainMessage<CallResult>): void;
  failed(call: Call, failure: AttemptFailure): void;
}

/** How the cluster is reached, and who hears of it. */
export interface ClusterClientOptions {
  readonly options: ResolvedGuardOptions;
  readonly transport: Transport;
  /** Null: there are no streams. */
  readonly streams: StreamParts | null;
  readonly runtime: Runtime;
  /** For operators: "sdk-node/0.1.0 node/24". */
  readonly client: string;
  readonly endpointOf: (member: { readonly grpcEndpoint: string; readonly httpUrl: string }) => string;
  /** Whether calls wait, so that connecting is in a hurry. */
  readonly hasCalls: () => boolean;
  /** Whether calls are kept from the cluster until it is back. */
  readonly isSpared: () => boolean;
  /** Learns from what nodes say beside answers. */
  readonly listener: StreamListener;
  readonly ends: ClusterCallEnds;
  /** An endpoint is a mistake, while others serve or are silent. */
  readonly onMisconfigured: (endpoint: string, reason: string) => void;
  /** The cluster was replaced by another one; called when all that was known of the old one is dropped. */
  readonly onReplaced: (event: ReturnType<typeof replacedEvent>) => void;
  /** Told what undoes what was remembered, and which version the policies have. */
  readonly news: ClusterNews;
  readonly emit: (event: GuardEvent) => void;
  /** Where there is no session: calls of one turn that may travel in one request. */
  readonly maxCallsPerRequest: number;
  /** Whether this device says that it has no network. */
  readonly isOffline: () => boolean;
  /** No wait will help; told once, with every call that waits to be failed by it. */
  readonly onFault: (failure: AttemptFailure) => void;
}

/**
 * The cluster, as a guard sees it: takes calls to whoever leads, through a session where the transport has streams and else one
 * request at a time, and brings back their ends.
 */
export class ClusterClient {
  readonly #setup: ClusterClientOptions;
  readonly #view: ClusterView;
  readonly #waiters: ReadyWaiters;
  readonly #session: SessionClient | null;
  readonly #requests: RequestClient;
  /** How often the cluster was replaced by another one. */
  #replacements = 0;
  /** Questions about policies so far. */
  #termsAsked = 0;
  /** Where streams do not say which cluster answers; null: they do, or there is one endpoint only. */
  readonly #membership: Membership | null;

  constructor(setup: ClusterClientOptions) {
    this.#setup = setup;
    const { options, transport, streams, runtime } = setup;
    this.#view = createClusterView(setup.endpointOf);
    this.#waiters = createReadyWaiters(runtime, () => this.describe());
    this.#session = streams === null ? null : this.#createSession(streams);
    this.#requests = createRequestClient({
      transport,
      runtime,
      endpoints: options.endpoints,
      namespace: options.namespace,
      preferred: () => this.#session?.endpoint ?? null,
      onAsk: (endpoint) => void this.#membership?.check(endpoint),
      onMisconfigured: setup.onMisconfigured,
      ends: { decided: setup.ends.answered, failed: setup.ends.failed },
      onPolicies: (version) => setup.news.policiesAre(version),
      maxCallsPerRequest: setup.maxCallsPerRequest,
      isOffline: setup.isOffline,
    });
    const manyWithoutStreams = this.#session === null && options.endpoints.length > 1;
    this.#membership = manyWithoutStreams ? this.#createMembership() : null;
  }

  #createMembership(): Membership {
    const { options, runtime } = this.#setup;
    return createMembership({
      runtime,
      endpoints: options.endpoints,
      view: this.#view,
      ask: (endpoint) => this.#requests.topologyOf(endpoint, options.timeoutMs),
      onFault: (failure) => this.#onFault(failure),
      onTopology: () => this.#onTopology(),
      onReplaced: (replaced) => this.#onReplaced(replaced),
    });
  }

  #createSession(streams: StreamParts): SessionClient {
    const { options, runtime, client, ends } = this.#setup;
    return streams.createSession({
      seeds: options.endpoints,
      routing: options.routing,
      runtime,
      view: this.#view,
      link: {
        runtime,
        client,
        namespace: options.namespace,
        clusterId: () => this.#view.clusterId,
        pauseCapMs: () => this.#pauseCapMs(),
      },
      listener: this.#setup.listener,
      ends: { decided: ends.replied, failed: ends.failed },
      onFault: (failure) => this.#onFault(failure),
      onMisconfigured: this.#setup.onMisconfigured,
      onTopology: () => this.#onTopology(),
      onReplaced: (replaced) => this.#onReplaced(replaced),
      news: this.#setup.news,
      onEstablished: () => this.#waiters.resolve(),
    });
  }

  #pauseCapMs(): number {
    if (this.#setup.hasCalls() || this.#waiters.count > 0) return BACKOFF_CAP_MS;
    return this.#setup.isSpared() ? SPARED_BACKOFF_CAP_MS : IDLE_BACKOFF_CAP_MS;
  }

  /** Whether somebody is there who would take a call; without streams only a call can tell. */
  get reachable(): boolean {
    return this.#session?.established ?? true;
  }

  /** How long what the session holds surely lives; null: there is no session. */
  get life(): SessionLife | null {
    return this.#session?.life ?? null;
  }

  /** How often the cluster was replaced by another one: what was opened before is not open any more. */
  get replacements(): number {
    return this.#replacements;
  }

  /** Why calling is pointless; null: it is not. */
  get fault(): AttemptFailure | null {
    return this.#session?.fault ?? this.#membership?.fault ?? null;
  }

  /** The state of the connections, for messages. */
  describe(): string {
    return this.#session?.describe() ?? "";
  }

  submit(call: Call): void {
    if (this.#session === null || call.requestId !== null) this.#requests.submit(call);
    else this.#session.submit(call);
  }

  /** Sends a call whose end nobody waits for, where there is a session to retry it in. */
  submitUnheard(call: Call): void {
    this.#session?.submit(call);
  }

  /** The call ended by its deadline or its caller's wish; its phase was `phase` until then, and is `settled` now. */
  forget(call: Call, phase: Call["phase"]): void {
    if (this.#session === null || call.requestId !== null) this.#requests.forget(call);
    else this.#session.forget(call, phase);
  }

  /** What the call would report no longer counts: from now on it is executed only if it was already. */
  forgetReport(call: Call): void {
    const { phase } = call;
    call.phase = "settled";
    call.reports = false;
    this.#session?.forget(call, phase);
  }

  /** What `allow` would say. @throws {AttemptError} or a TransportError. */
  peek(item: CallItem, timeoutMs: number): ReturnType<RequestClient["peek"]> {
    this.#expectOneCluster();
    this.#session?.start();
    return this.#requests.peek(item, timeoutMs);
  }

  /** What the cluster's policies of these names say; one attempt. @throws {TransportError} */
  async terms(names: readonly string[]): Promise<ToldTerms> {
    const { transport, options } = this.#setup;
    const { endpoints, namespace } = options;
    const timeoutMs = soonMs(options.timeoutMs);
    const endpoint = this.#session?.endpoint ?? endpoints[this.#termsAsked++ % endpoints.length]!;
    const request = termsRequest(namespace, names);
    return readTerms(await transport.unary({ endpoint, method: "GuardService/GetTerms", request, timeoutMs }));
  }

  /** The replicated time in microseconds, asked beside the session. */
  async stampUs(item: CallItem, timeoutMs: number): Promise<number> {
    return (await this.#requests.peek(item, timeoutMs)).stampUs;
  }

  /** Resolves once a leader takes calls. @throws {GuardError} when none does in time, or calling is pointless. */
  async ready(timeoutMs: number): Promise<void> {
    const session = this.#session;
    if (session === null) {
      await this.#readyByRequests(timeoutMs);
      return;
    }
    this.#expectOneCluster();
    if (session.established) return;
    const waiting = this.#waiters.wait(timeoutMs);
    session.start();
    await waiting;
  }

  async #readyByRequests(timeoutMs: number): Promise<void> {
    try {
      const topology = await this.#requests.topology(timeoutMs);
      if (!this.#view.foreign(topology) && this.#view.observe(topology)) this.#onTopology();
    } catch (error) {
      throw guardError({ ...failureOf(error), applied: "no" }, "no");
    }
    await Promise.all(this.#setup.options.endpoints.map((endpoint) => this.#membership?.check(endpoint)));
    this.#expectOneCluster();
  }

  /** Ends the session, so that no call is sent any more. */
  endSession(): void {
    this.#session?.close();
  }

  /** Ends the connections and what waits for them. */
  close(): Promise<void> {
    this.#waiters.reject(new GuardError("closed", "the guard was closed"));
    this.#requests.close();
    return this.#setup.transport.close();
  }

  #expectOneCluster(): void {
    const { fault } = this;
    if (fault?.code === "wrong_cluster") throw guardError(fault, "no");
  }

  #onFault(failure: AttemptFailure): void {
    this.#waiters.reject(guardError(failure, "no"));
    this.#setup.onFault(failure);
  }

  #onReplaced(replaced: Replaced): void {
    this.#replacements += 1;
    this.#setup.news.replaced();
    this.#setup.onReplaced(replacedEvent(replaced));
  }

  #onTopology(): void {
    const { clusterId, term, leaderId, endpoints } = this.#view;
    this.#setup.emit({ type: "topology", clusterId, term, leaderId, endpoints: [...endpoints.values()] });
  }
}
