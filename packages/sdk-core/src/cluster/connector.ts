import { type DecodedResponse, ErrorReason, type Topology, type Welcome } from "@quorumguard/proto";
import { type AttemptFailure, failureOfTransport, isRefusal } from "../calls/wire-errors.ts";
import { type Runtime, TransportError } from "../transport.ts";
import { backoffMs } from "./backoff.ts";
import { Link, type LinkContext } from "./link.ts";
import { createSuccession, type Replaced, type Succession, twoClusters } from "./succession.ts";
import type { ClusterView } from "./topology.ts";

const PING_INTERVAL_MS = 500;
/** A known leader that cannot be reached for so long is reached through another member. Longer than an election. */
const FORWARD_AFTER_MS = 500;
/** The same for a leader that was never reached: behind a proxy members may have addresses that lead nowhere from here. */
const FIRST_FORWARD_AFTER_MS = 150;

/**
 * What becomes of the connections, told to the session's owner: which link leads, what it says, and when it is gone.
 */
export interface ConnectorHandlers {
  /** Calls go to this link from now on; null: to none, until there is one. */
  onActive(link: Link | null): void;
  onMessage(link: Link, message: DecodedResponse): void;
  onDown(link: Link, error: TransportError): void;
  onTopology(): void;
  /** Another cluster answers where the known one did: whatever was known of that is over. Told before anything is sent to the new one. */
  onReplaced(replaced: Replaced): void;
  /** No wait will help: every endpoint is a mistake, or a node refused the token. */
  onFault(failure: AttemptFailure): void;
  /** An endpoint is a mistake, and calls need not fail for it. */
  onMisconfigured(endpoint: string, reason: string): void;
  onWelcome(welcome: Welcome): void;
}

/** Where a connector starts looking, how it routes, and whom it tells. */
export interface ConnectorOptions {
  readonly seeds: readonly string[];
  readonly routing: "direct" | "forward";
  readonly runtime: Runtime;
  readonly view: ClusterView;
  readonly link: Omit<LinkContext, "handlers" | "othersReady">;
  readonly handlers: ConnectorHandlers;
}

/** Keeps warm connections to the cluster and knows which of them leads. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #links = new Map<string, Link>();
  #forward: Link | null = null;
  #active: Link | null = null;
  #fault: AttemptFailure | null = null;
  /** Ends the wait for a leader that is known and not reached; null: it is reached, or not known. */
  #cancelDetour: (() => void) | null = null;
  #missingLeaderId = 0;
  /** Nodes that were reached at their own addresses. */
  readonly #reached = new Set<number>();
  /** Endpoints whose nodes said that they belong to the cluster. */
  readonly #belonging = new Set<string>();
  /** Endpoints whose mistakes were told. */
  readonly #told = new Set<string>();
  readonly #succession: Succession;
  /** A configured endpoint named another cluster: the next word of the known one says that there are two. */
  #disputed = false;
  #detourDue = false;
  #started = false;
  #closed = false;
  #cancelTick: () => void = () => {};
  #refusals = 0;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#succession = createSuccession(options.seeds);
  }

  get active(): Link | null {
    return this.#active;
  }

  /** Why calling is pointless: set while no link is ready and one was refused for good, and for good by two clusters. */
  get fault(): AttemptFailure | null {
    return this.#fault;
  }

  /** The last trouble of each endpoint, for messages. */
  describe(): string {
    const parts: string[] = [];
    const remedies = new Set<string>();
    for (const link of this.#links.values()) {
      const { endpoint, lastError } = link;
      const remedy = link.ready ? "" : (lastError?.remedy ?? "");
      const message = lastError?.message.slice(0, remedy === "" ? undefined : -`; ${remedy}`.length);
      remedies.add(remedy);
      // A transport's message begins with the endpoint; a node's own word does not.
      if (link.ready) parts.push(`${endpoint} is connected`);
      else if (message?.includes(endpoint)) parts.push(message);
      else parts.push(`${endpoint}: ${message ?? "connecting"}`);
    }
    // While any is another's trouble, or none, somebody is there.
    const [remedy = ""] = remedies;
    return [...parts, ...(remedies.size === 1 && remedy !== "" ? [remedy] : [])].join("; ");
  }

  /** Connects, once; later calls only hurry what is pausing. */
  start(): void {
    if (this.#closed) return;
    if (this.#started) {
      if (this.#active === null) for (const link of this.#links.values()) link.hurry();
      return;
    }
    this.#started = true;
    this.#reconcile();
    this.#tick();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTick();
    this.#cancelDetour?.();
    this.#forward?.close();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#active = null;
  }

  /** The active node refused calls: switch at once if it named another, else pause before asking it again. */
  refused(link: Link, failure: AttemptFailure): void {
    const { view, runtime } = this.#options;
    const { detail } = failure;
    if (detail?.reason === ErrorReason.NOT_LEADER) {
      const hint = {
        leaderId: Number(detail.leaderId),
        term: Number(detail.term),
        endpoint: detail.leaderGrpcEndpoint,
      };
      if (view.hint(hint)) this.#topologyChanged();
    }
    if (this.#pick() === link) {
      this.#refusals += 1;
      const delayMs = Math.max(failure.retryAfterMs, backoffMs(this.#refusals, runtime));
      link.refusedUntilMs = runtime.monotonicMs() + delayMs;
      runtime.setTimer(() => this.#evaluate(), delayMs, false);
    }
    this.#evaluate();
  }

  /** A frame was answered: refusals are over. */
  accepted(): void {
    this.#refusals = 0;
  }

  observe(link: Link, topology: Topology): void {
    if (this.#closed || this.#isForeign(link, topology)) return;
    if (topology.clusterId !== "") this.#belonging.add(link.endpoint);
    const group = topology.groups[0];
    if (group !== undefined) link.disclaimedTerm = Number(group.leaderId) === link.nodeId ? -1 : Number(group.term);
    if (this.#options.view.observe(topology)) this.#topologyChanged();
    else this.#evaluate();
  }

  drained(link: Link): void {
    link.draining = true;
    this.#evaluate();
  }

  #topologyChanged(): void {
    this.#options.handlers.onTopology();
    this.#reconcile();
    this.#evaluate();
  }

  /** Opens and closes links until there is one to every endpoint that should have one. */
  #reconcile(): void {
    if (!this.#started || this.#closed) return;
    const { seeds, view, routing } = this.#options;
    const members = routing === "direct" ? new Set(view.endpoints.values()) : new Set<string>();
    const readyNodes = new Set<number>();
    for (const link of this.#links.values()) {
      if (link.ready && members.has(link.endpoint)) readyNodes.add(link.nodeId);
    }
    const anyReady = [...this.#links.values()].some((link) => link.ready);
    const wanted = new Set(members);
    for (const seed of seeds) {
      const link = this.#links.get(seed);
      // A seed that is a member under another name is not needed twice, but is a way back in if all else fails.
      const covered =
        members.size > 0 && anyReady && (link === undefined || (link.ready && readyNodes.has(link.nodeId)));
      if (!covered) wanted.add(seed);
    }
    for (const [endpoint, link] of this.#links) {
      if (wanted.has(endpoint)) continue;
      link.close();
      this.#links.delete(endpoint);
      if (link === this.#active) this.#active = null;
    }
    for (const endpoint of wanted) {
      if (!this.#links.has(endpoint)) this.#links.set(endpoint, this.#open(endpoint, routing === "forward"));
    }
  }

  #open(endpoint: string, forwarding: boolean): Link {
    const link = new Link(endpoint, forwarding, {
      ...this.#options.link,
      othersReady: (asking) => [...this.#links.values()].some((each) => each !== asking && each.ready),
      handlers: {
        onReady: (ready, welcome) => {
          if (this.#findsTwo(ready)) return;
          this.#fault = null;
          this.#options.handlers.onWelcome(welcome);
          if (welcome.topology !== undefined) this.observe(ready, welcome.topology);
          this.#reconcile();
          this.#evaluate();
        },
        onMessage: (from, message) => {
          if (this.#disputed && this.#findsTwo(from)) return;
          this.#options.handlers.onMessage(from, message);
        },
        onDown: (down, error) => {
          if (down === this.#active) this.#active = null;
          this.#options.handlers.onDown(down, error);
          this.#reconcile();
          this.#evaluate();
        },
        onStranger: (stranger) => this.#dispute(stranger),
        onFailure: (failed, error) => this.#failed(failed, error),
      },
    });
    link.start();
    return link;
  }

  /** A node that was forming its cluster has come to another one. */
  #isForeign(link: Link, topology: Topology): boolean {
    const foreign = this.#options.view.foreign(topology);
    const error = () => new TransportError("misconfigured", `${link.endpoint} belongs to another cluster`);
    if (foreign) link.drop(error());
    return foreign;
  }

  /** A node that once belonged to the cluster and was replaced is no misconfiguration while others serve. */
  #isRival(link: Link): boolean {
    return !!link.strangerId && this.#options.seeds.includes(link.endpoint) && !this.#belonging.has(link.endpoint);
  }

  /** An endpoint named another cluster: asks those of the known one, if there are any, whether they still speak for it. */
  #dispute(link: Link): void {
    if (this.#disputed || !this.#isRival(link)) return;
    const ready = [...this.#links.values()].filter((each) => each.ready);
    const fresh = ready.find((each) => each.isFresh);
    if (fresh !== undefined) {
      this.#findsTwo(fresh);
      return;
    }
    this.#disputed = ready.length > 0;
    for (const each of ready) each.ping();
  }

  /**
   * Whether the endpoints name two clusters at the same time: one spoke after another was heard of. That is for good: calls of one guard
   * must never be counted in two clusters, so none is sent any more.
   */
  #findsTwo(link: Link): boolean {
    this.#disputed = false;
    const rival = [...this.#links.values()].find((each) => each !== link && this.#isRival(each));
    if (rival === undefined || !link.ready) return false;
    this.close();
    this.#fault = twoClusters(
      { endpoint: link.endpoint, clusterId: this.#options.view.clusterId },
      { endpoint: rival.endpoint, clusterId: rival.strangerId! },
    );
    this.#options.handlers.onFault(this.#fault);
    return true;
  }

  /** Takes the cluster that stands in the known one's place, if there is one. */
  #succeed(): boolean {
    const { runtime, view, handlers } = this.#options;
    const clusterId = this.#succession.successor(this.#links.values(), runtime.monotonicMs());
    if (clusterId === null) return false;
    const strangers = [...this.#links.values()].filter((link) => link.strangerId === clusterId);
    const replaced = { formerClusterId: view.clusterId, clusterId, endpoints: strangers.map((link) => link.endpoint) };
    view.replace(clusterId);
    this.#cancelDetour?.();
    this.#cancelDetour = null;
    this.#forward?.close();
    this.#forward = null;
    for (const known of [this.#belonging, this.#told, this.#reached]) known.clear();
    for (const link of strangers) link.isKnown();
    this.#fault = null;
    handlers.onReplaced(replaced);
    this.#reconcile();
    for (const link of this.#links.values()) link.hurry();
    return true;
  }

  #failed(link: Link, error: TransportError): void {
    if (this.#closed || this.#succeed()) return;
    const fault = this.#faultOfAll();
    if (fault !== null) {
      this.#fault = fault;
      this.#options.handlers.onFault(fault);
      return;
    }
    if (this.#fault?.code !== "wrong_cluster") this.#fault = null;
    if (error.kind !== "misconfigured" || this.#told.has(link.endpoint)) return;
    const links = [...this.#links.values()];
    // While nobody speaks for the known cluster, another may come to take its place.
    if (link.strangerId !== null && !links.some((each) => each.ready)) return;
    // Not before every endpoint was tried: it may yet turn out that all are mistakes, which is then said by throwing.
    if (!links.some((each) => each.failures === 0 && !each.ready)) for (const each of links) this.#tellMistake(each);
  }

  #tellMistake(link: Link): void {
    const { lastError } = link;
    if (link.ready || lastError?.kind !== "misconfigured" || this.#told.has(link.endpoint)) return;
    this.#told.add(link.endpoint);
    this.#options.handlers.onMisconfigured(link.endpoint, lastError.message);
  }

  /**
   * A fault only if no link serves or is still being tried for the first time, and each one is a mistake by itself: a
   * mistake beside endpoints that are merely down leaves the outage an outage. A refused token is every node's answer.
   */
  #faultOfAll(): AttemptFailure | null {
    const links = [...this.#links.values()];
    if (links.length === 0 || links.some((link) => link.ready || link.failures === 0)) return null;
    const failures = links.map((link) => (link.lastError === null ? null : failureOfTransport(link.lastError)));
    const refused = failures.find((failure) => failure !== null && isRefusal(failure));
    if (refused != null) return refused;
    // Another cluster at an address is an outage of the known one until it is decided which of them it is.
    const mistakes = links.filter((link) => link.lastError?.kind === "misconfigured" && link.strangerId === null);
    if (mistakes.length < links.length) return null;
    const [first] = failures;
    if (first == null || links.length === 1) return first ?? null;
    return { ...first, message: mistakes.map((link) => link.lastError!.message).join("; ") };
  }

  #pick(): Link | null {
    const { routing, view, runtime } = this.#options;
    const nowMs = runtime.monotonicMs();
    const usable = (link: Link) => link.ready && !link.draining && link.refusedUntilMs <= nowMs;
    const links = [...this.#links.values()];
    if (routing === "forward") {
      if (this.#active !== null && usable(this.#active)) return this.#active;
      return links.find(usable) ?? null;
    }
    // What a node said of itself in an older term is no objection to the hint.
    const leads = (link: Link) => link.nodeId === view.leaderId && link.disclaimedTerm < view.term;
    const leader = links.find((link) => usable(link) && leads(link));
    if (leader !== undefined) return leader;
    return this.#forward !== null && usable(this.#forward) ? this.#forward : null;
  }

  #evaluate(): void {
    if (this.#closed) return;
    this.#watchLeader();
    const next = this.#pick();
    if (next === this.#active) return;
    this.#active = next;
    this.#options.handlers.onActive(next);
  }

  /** Waits for a leader that is known and not reached; drops the detour once it is reached. */
  #watchLeader(): void {
    const { routing, view, runtime } = this.#options;
    if (routing === "forward") return;
    const leader = [...this.#links.values()].find((link) => link.ready && link.nodeId === view.leaderId);
    if (leader !== undefined || view.leaderId === 0) {
      if (leader !== undefined) this.#reached.add(leader.nodeId);
      this.#cancelDetour?.();
      this.#cancelDetour = null;
      this.#forward?.close();
      this.#forward = null;
      return;
    }
    if (this.#cancelDetour !== null && this.#missingLeaderId === view.leaderId) return;
    this.#cancelDetour?.();
    this.#missingLeaderId = view.leaderId;
    const afterMs = this.#reached.has(view.leaderId) ? FORWARD_AFTER_MS : FIRST_FORWARD_AFTER_MS;
    this.#cancelDetour = runtime.setTimer(() => this.#detour(), afterMs, false);
  }

  #tick(): void {
    const { runtime } = this.#options;
    this.#cancelTick = runtime.setTimer(
      () => {
        for (const link of [...this.#links.values()]) link.ping();
        this.#forward?.ping();
        if (this.#active === null) this.#succeed();
        this.#evaluate();
        // Nobody may have been ready to forward when the wait for the leader ended.
        if (this.#detourDue) this.#detour();
        if (!this.#closed) this.#tick();
      },
      PING_INTERVAL_MS,
      false,
    );
  }

  /** Members know a leader that this client cannot reach (a load balancer, a private network): let one forward. */
  #detour(): void {
    this.#detourDue = false;
    if (this.#closed || this.#forward !== null || this.#cancelDetour === null) return;
    const ready = [...this.#links.values()].filter((link) => link.ready);
    this.#detourDue = ready.length === 0;
    const by = ready[Math.floor(this.#options.runtime.random() * ready.length)];
    if (by !== undefined) this.#forward = this.#open(by.endpoint, true);
  }
}
