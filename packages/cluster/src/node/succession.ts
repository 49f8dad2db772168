import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { Electorate } from "./members.ts";
import type { NodeLog } from "./node-log.ts";

/** Between the campaigns of two survivors, so that they do not split the vote (DESIGN §4). Milliseconds. */
const rankDelayMs = 15;
/** Campaigns after one proof of death; afterwards the ordinary election timeout is left to do it. */
const maxAttempts = 6;

/** What a succession is decided with. */
export interface SuccessionParts {
  readonly nodeId: NodeId;
  readonly electorate: Electorate;
  readonly driver: Driver;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly electionMs: number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: NodeLog;
}

/**
 * Who stands when a leader's death is proven (SEMANTICS N4): the survivors, one after the other, by rank. Proofs come at different
 * times, so that a rank alone does not keep them apart, and votes may take longer than the time between two ranks. Therefore
 *
 * - who has seen an election of a later term, or a candidate with a log as good as its own, waits for what becomes of it;
 * - of two that ask for pre-votes at once, the one of the later rank withdraws: it takes no notice of what it is granted;
 * - a request that came before the own proof, when the leader seemed to live, is answered as soon as there is proof.
 */
export class Succession {
  readonly #parts: SuccessionParts;
  /** Requests that the core ignored for the leader's sake, and when they came. */
  readonly #unanswered = new Map<NodeId, { readonly request: Message; readonly atMs: number }>();
  #cancel: () => void = () => {};
  /** Until then another candidate is given its chance. */
  #yieldsUntilMs = Number.NEGATIVE_INFINITY;
  /** Until then what it is granted counts for nothing, since a candidate of an earlier rank asks, too. */
  #withdrawnUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#cancel();
  }

  /** The core has dealt with a peer's request for a vote or a pre-vote. */
  asked(request: Message): void {
    const { driver, clock } = this.#parts;
    const atMs = clock.monotonicMs();
    if (driver.raft.softState.leader !== 0) {
      if (request.term > driver.raft.term) this.#unanswered.set(request.from, { request, atMs });
    } else if (this.#mayWin(request)) {
      this.#yieldsUntilMs = atMs + this.#patienceMs;
      const { voters } = this.#parts.electorate;
      const isBefore = voters.indexOf(request.from) < voters.indexOf(this.#parts.nodeId);
      if (isBefore && driver.raft.softState.state === "preCandidate") this.#withdrawnUntilMs = this.#yieldsUntilMs;
    }
  }

  /** Whether a message is an answer that this node wants no more. */
  ignores({ type, reject }: Message): boolean {
    if (type !== MessageType.preVoteResp || reject) return false;
    // Not for ever: the ordinary timeout asks again, and wants to know.
    return this.#parts.clock.monotonicMs() < this.#withdrawnUntilMs;
  }

  /** `dead` led, and the core has forgotten it. */
  begin(dead: NodeId): void {
    const { driver, electorate, nodeId, clock, electionMs } = this.#parts;
    // Whoever was yielded to before was the dead leader, or failed.
    this.#withdrawnUntilMs = Number.NEGATIVE_INFINITY;
    this.#yieldsUntilMs = Number.NEGATIVE_INFINITY;
    const sinceMs = clock.monotonicMs() - electionMs;
    for (const { request, atMs } of this.#unanswered.values()) {
      if (atMs < sinceMs || request.from === dead) continue;
      driver.receiveMessage(request);
      if (this.#mayWin(request)) this.#yieldsUntilMs = clock.monotonicMs() + this.#patienceMs;
    }
    this.#unanswered.clear();
    const rank = electorate.voters.filter((voter) => voter !== dead).indexOf(nodeId);
    if (rank >= 0) this.#beginLater(rank * rankDelayMs, driver.raft.term);
  }

  /** Longer than an election takes on a busy machine; a candidate that fails costs the others so much. */
  get #patienceMs(): number {
    return this.#parts.electionMs / 2;
  }

  #mayWin({ logTerm, index }: Message): boolean {
    const { storage } = this.#parts;
    const lastIndex = storage.lastIndex();
    const lastTerm = storage.term(lastIndex);
    if (typeof lastTerm !== "number") return true;
    return logTerm > lastTerm || (logTerm === lastTerm && index >= lastIndex);
  }

  /**
   * The first in rank has nobody to wait for. For the others: a turn that is late by a rank may have requests waiting that came in
   * time; they are heard first, and the rank counts anew.
   */
  #beginLater(delayMs: number, term: number): void {
    const { clock } = this.#parts;
    if (delayMs === 0) {
      this.#stand(term, 1);
      return;
    }
    const lateMs = clock.monotonicMs() + delayMs + rankDelayMs / 2;
    this.#cancel();
    this.#cancel = clock.setTimer(() => {
      if (clock.monotonicMs() < lateMs) this.#stand(term, 1);
      else this.#standLater(delayMs, term, 1);
    }, delayMs);
  }

  #standLater(delayMs: number, term: number, attempt: number): void {
    this.#cancel();
    this.#cancel = this.#parts.clock.setTimer(() => this.#stand(term, attempt), delayMs);
  }

  /** @param term The latest that was known when this was planned: a later one is an election under way. */
  #stand(term: number, attempt: number): void {
    const { clock, driver, random, log } = this.#parts;
    const { leader, state } = driver.raft.softState;
    if (leader !== 0 || state === "leader") return;
    const now = driver.raft.term;
    const yieldsMs = this.#yieldsUntilMs - clock.monotonicMs();
    if (yieldsMs > 0) {
      this.#standLater(yieldsMs, now, attempt);
      return;
    }
    // Its candidate waits for answers, and who voted in it for the outcome: campaigning again would only raise the term.
    const isOpen = now > term;
    if (!isOpen && driver.mayLead) {
      this.#withdrawnUntilMs = Number.NEGATIVE_INFINITY;
      driver.raft.campaign();
      if (driver.raft.softState.state !== "follower")
        log("info", "succession-stands", { term: driver.raft.term, attempt });
      driver.wake();
    }
    // By chance, or two that collided once would collide again.
    if (attempt < maxAttempts) this.#standLater(this.#patienceMs * (1 + random()), now, attempt + 1);
  }
}
