import type { Applied, Bounds, Limiter } from "@quorumguard/limiter";
import {
  appendThread,
  applyThread,
  type ConfChange,
  type ConfState,
  createMessage,
  decodeConfChange,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  type Raft,
  type Ready,
  type StateType,
} from "@quorumguard/raft";
import type { SnapshotMeta, Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import { notLeader, outcomeUnknown } from "./failures.ts";
import type { HashWatch } from "./hash-watch.ts";
import { lastStampUs, lastTermBefore } from "./log-stamp.ts";
import { Outbox } from "./outbox.ts";
import type { PeerBoard } from "./peer-board.ts";
import { type Envelope, encodeEnvelope } from "./peer-codec.ts";
import { type LogInUse, type ProofOfLoss, proofOfLoss } from "./proof-of-loss.ts";
import type { Proposals } from "./proposals.ts";
import type { StampClock } from "./stamp-clock.ts";
import { type DueTick, Ticker } from "./ticker.ts";

/** Who leads, and what this node is. */
export interface Role {
  readonly leader: NodeId;
  readonly state: StateType;
  readonly term: number;
}

/** What the driver tells the rest of its node, and what it asks of it, within its turns. */
export interface DriverHooks {
  roleChanged(now: Role, before: Role): void;
  /** Whether a peer's message is an answer that nobody waits for any more. */
  ignores(message: Message): boolean;
  /** A peer asked for a vote or a pre-vote, and the core has dealt with it. */
  asked(message: Message): void;
  /** This leader was deposed by an answer: `from` is in a later term, and did not ask for a vote. */
  deposed(from: NodeId): void;
  /** A message shows that a disk lost what was acknowledged; it is not stepped. */
  lossProven(message: Message, proof: ProofOfLoss): void;
  /** Once per tick, after the core ticked. */
  ticked(due: DueTick): void;
  /** A follower needs a snapshot; `message` is what the core would say. */
  sendSnapshot(message: Message): void;
  /** A received snapshot is part of the log now: rebuild the state machine from it. */
  restore(meta: SnapshotMeta): Promise<Limiter>;
  /**
   * An entry that is not the state machine's was applied: a change of the members to `confState`, or (null) nothing, which is what
   * becomes of a change that may not be made.
   */
  appliedOther(entry: Entry, change: ConfChange | null, confState: ConfState | null): void;
  /** An entry of the state machine's was applied; whoever proposed it is answered afterwards. */
  applied(applied: Applied): void;
  /** The state machine is another one, which has applied more, or otherwise. */
  replaced(): void;
  /** End of turn: hand over what gathered for peers. */
  flush(): void;
  send(to: NodeId, frame: Uint8Array): void;
  /** The state machine or the core met something that must not be skipped. */
  failed(error: Error): void;
}

/** The core, log, state machine and clock that a driver moves, and the limits that it keeps. */
export interface DriverParts {
  readonly nodeId: NodeId;
  readonly raft: Raft;
  readonly storage: Storage;
  readonly limiter: Limiter;
  /** Index that `limiter` reflects. */
  readonly appliedIndex: number;
  readonly clock: Clock;
  readonly tickMs: number;
  readonly electionMs: number;
  readonly peers: PeerBoard;
  readonly stamp: StampClock;
  readonly proposals: Proposals;
  readonly hashes: HashWatch;
  /** What this node wants the replicated limits to be, given what they are. Null: as they are. */
  readonly wantedBounds: (now: Bounds) => Bounds | null;
  readonly hooks: DriverHooks;
}

/** So many messages of a leader must have arrived before its commit index counts as known: the first may be bounded by what it knew of us. */
const joinContacts = 3;

/**
 * A leader that a follower has not heard of for so many election timeouts leads no more, as far as that one can tell. A voter stands
 * before that; a learner and a node that abstains never do, and would say for ever that a dead leader leads.
 */
const silentTimeouts = 2;

/** Rounds of `ready` in one turn; more work waits for the next one, so that sockets are read in between. */
const maxRounds = 32;

/**
 * The loop of a node. One turn takes everything that arrived, steps it, appends once, sends one envelope per peer, applies what
 * was committed and answers for it; it never waits between reading state and changing it. Turns begin at the end of an
 * event-loop turn in which something happened, so that whatever arrived together is handled together.
 */
export class Driver {
  readonly raft: Raft;
  limiter: Limiter;
  appliedIndex: number;
  role: Role = { leader: 0, state: "follower", term: 0 };
  /** Last index of which this node's own disk is sure. */
  durableIndex: number;
  readonly #parts: DriverParts;
  readonly #outbox = new Outbox();
  #inbox: Message[] = [];
  #durable: Message[] = [];
  #applies: Message[] = [];
  #ticker: Ticker | null = null;
  #scheduled = false;
  #stopped = false;
  #restoring = false;
  /** Index of this leader's takeover entry; 0 while it is not in the log. */
  #takeoverIndex = 0;
  /** The last stamps of peers that were not followed when they came. */
  readonly #stampsBefore = new Map<NodeId, Envelope>();
  #silentTicks = 0;
  /** What this leader's followers know it to have on its own disk. */
  #toldDurable = 0;
  #toldTerm = 0;
  #leaderContacts = 0;
  #leaderCommit = 0;
  #joinCommit = 0;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.raft = parts.raft;
    this.limiter = parts.limiter;
    this.appliedIndex = parts.appliedIndex;
    this.durableIndex = parts.storage.lastIndex();
  }

  start(): void {
    const { clock, tickMs } = this.#parts;
    this.#ticker = new Ticker(clock, tickMs, () => this.wake());
    this.#observe();
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.stop();
  }

  /** Leads, and has applied the first entry of its own term (SEMANTICS S5). */
  get leads(): boolean {
    return this.role.state === "leader" && this.#takeoverIndex > 0 && this.appliedIndex >= this.#takeoverIndex;
  }

  /** Has applied all that was committed when it met its leader. */
  get caughtUp(): boolean {
    return this.leads || (this.#leaderContacts >= joinContacts && this.appliedIndex >= this.#joinCommit);
  }

  /** Not while its state is being rebuilt from a snapshot. What else forbids it the core knows (SEMANTICS N2). */
  get mayLead(): boolean {
    return !this.#restoring;
  }

  get restoring(): boolean {
    return this.#restoring;
  }

  /** Something is to be done: a turn will take place when this turn of the event loop ends. */
  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#parts.clock.endOfTurn(() => this.#turn());
  }

  receive(from: NodeId, envelope: Envelope): void {
    this.#parts.peers.heard(from, envelope, this.raft);
    for (const message of envelope.messages) {
      this.#inbox.push(message);
      if (this.#leaderContacts < joinContacts) this.#noteContact(message);
    }
    if (envelope.stampLive) this.#heardStamp(from, envelope);
    this.wake();
  }

  /**
   * A leader whom this node does not follow yet is followed once its messages are stepped, and may say nothing after them: what it
   * says with them counts then. Without it this node would keep an older line that runs ahead (SEMANTICS T2).
   */
  #heardStamp(from: NodeId, envelope: Envelope): void {
    if (from === this.role.leader) this.#parts.stamp.heard(envelope.stampUs, envelope.stampTerm);
    else this.#stampsBefore.set(from, envelope);
  }

  get #inUse(): LogInUse {
    // While the state is rebuilt, what was applied is not what the log holds.
    return { raft: this.raft, storage: this.#parts.storage, appliedIndex: this.#restoring ? 0 : this.appliedIndex };
  }

  /** Steps a message that did not come in an envelope. */
  receiveMessage(message: Message): void {
    this.#inbox.push(message);
    this.wake();
  }

  #noteContact({ type, commit, term }: Message): void {
    if ((type !== MessageType.app && type !== MessageType.heartbeat) || term < this.raft.term) return;
    this.#leaderCommit = Math.max(this.#leaderCommit, commit);
    if (++this.#leaderContacts === joinContacts) this.#joinCommit = this.#leaderCommit;
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      this.#stepAll();
      if (this.#stopped) return;
      this.#tickIfDue();
      this.#propose();
      let rounds = 0;
      while (this.raft.hasReady()) {
        if (rounds++ === maxRounds) {
          this.wake();
          break;
        }
        this.#handle(this.raft.ready());
        this.#applyAll();
        this.#observe();
        this.#propose();
        if (this.#stopped) return;
      }
      this.#applyAll();
      this.#sendAll();
      this.#parts.hooks.flush();
    } catch (error) {
      this.#parts.hooks.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #stepAll(): void {
    // What storage has done comes first: an acknowledgement of ours may commit what a message then builds on.
    const durable = this.#durable;
    this.#durable = [];
    for (const message of durable) this.#deliver(message);
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const message of inbox) {
      // Without its state a node knows neither the time nor the bounds that it would have to lead with.
      if (this.#restoring && message.type === MessageType.timeoutNow) continue;
      if (this.#parts.hooks.ignores(message)) continue;
      const loss = proofOfLoss(message, this.#inUse);
      if (loss !== null) {
        this.#parts.hooks.lossProven(message, loss);
        if (this.#stopped) return;
        continue;
      }
      const wasLeader = this.raft.softState.state === "leader";
      this.raft.step(message);
      if (isOfLeader(message.type) && message.from === this.raft.softState.leader) this.#silentTicks = 0;
      if (wasLeader && message.type === MessageType.appResp && this.raft.softState.state !== "leader") {
        this.#parts.hooks.deposed(message.from);
      }
      if (message.type === MessageType.preVote || message.type === MessageType.vote) this.#parts.hooks.asked(message);
    }
    if (inbox.length > 0 || durable.length > 0) this.#observe();
  }

  #tickIfDue(): void {
    const due = this.#ticker?.due() ?? null;
    if (due === null) return;
    this.#outbox.releaseNews();
    // A follower's ticks serve nothing but its campaigns.
    if (this.mayLead) this.raft.tick();
    this.#forgetIfSilent();
    this.#observe();
    const { proposals, stamp, hooks } = this.#parts;
    if (this.leads && proposals.pendingItems === 0 && this.appliedIndex >= this.#parts.storage.lastIndex()) {
      const dueUs = this.limiter.nextDueUs();
      if (dueUs !== null && dueUs <= stamp.nowUs()) proposals.addStamp();
    }
    this.#tellDurable();
    hooks.ticked(due);
  }

  /**
   * A leader's own disk may be behind what it sends; what it surely holds, its followers learn only here. They remember it, should
   * it come back with less. To the core of a follower this acknowledgement means nothing.
   */
  #tellDurable(): void {
    const { nodeId, storage } = this.#parts;
    const { term } = this.raft;
    const index = this.durableIndex;
    if (!this.leads || (index === this.#toldDurable && term === this.#toldTerm)) return;
    // Only an entry of this term proves that the term is durable as well.
    if (storage.term(index) !== term) return;
    this.#toldDurable = index;
    this.#toldTerm = term;
    for (const to of this.raft.status().progress.keys()) {
      if (to !== nodeId) this.#deliver({ ...createMessage(MessageType.appResp, to), from: nodeId, term, index });
    }
  }

  #forgetIfSilent(): void {
    const { electionMs, tickMs } = this.#parts;
    const { leader, state } = this.raft.softState;
    if (state !== "follower" || leader === 0) this.#silentTicks = 0;
    else if (++this.#silentTicks * tickMs >= silentTimeouts * electionMs) this.raft.forgetLeader();
  }

  /** Notices changes of role, and does what a gain or a loss of leadership asks for. */
  #observe(): void {
    const { leader, state } = this.raft.softState;
    const { term } = this.raft;
    const before = this.role;
    if (before.leader === leader && before.state === state && before.term === term) return;
    const now: Role = { leader, state, term };
    this.role = now;
    const wasLeader = before.state === "leader";
    const isLeader = state === "leader";
    if (wasLeader && (!isLeader || before.term !== term)) this.#lose(now);
    if (isLeader && (!wasLeader || before.term !== term)) this.#gain(now);
    const said = this.#stampsBefore.get(leader);
    if (said?.stampTerm === term) this.#parts.stamp.heard(said.stampUs, term);
    this.#stampsBefore.clear();
    this.#parts.hooks.roleChanged(now, before);
  }

  #gain(now: Role): void {
    const { stamp, storage, peers, proposals, electionMs, wantedBounds } = this.#parts;
    stamp.sawEntry(Math.max(this.limiter.stampUs, lastStampUs(storage, this.appliedIndex)));
    stamp.takeOver(peers.estimates(2 * electionMs), now.term, lastTermBefore(storage, now.term));
    // Ahead of every other proposal of this term, and nothing is answered before it is applied (SEMANTICS S5).
    proposals.addTakeover(wantedBounds(this.limiter.bounds));
    this.#propose();
    this.#takeoverIndex = this.raft.lastIndex;
    if (now.state !== this.raft.softState.state) this.#takeoverIndex = 0;
  }

  #lose(now: Role): void {
    const { stamp, proposals } = this.#parts;
    stamp.stepDown();
    this.#takeoverIndex = 0;
    proposals.abandon(
      outcomeUnknown("this node lost leadership while the call was in its log", now.leader, now.term),
      notLeader(now.leader, now.term),
    );
  }

  #propose(): void {
    if (this.role.state !== "leader") return;
    const { proposals } = this.#parts;
    const data = proposals.seal();
    if (data.length === 0) return;
    const refusal = this.raft.propose(data);
    if (refusal === null) proposals.accepted(this.raft.lastIndex - data.length + 1, this.raft.term);
    else proposals.refused(notLeader(0, this.raft.term));
  }

  #handle(ready: Ready): void {
    for (const message of ready.messages) {
      if (message.to === appendThread) this.#append(message, ready);
      else if (message.to === applyThread) this.#applies.push(message);
      else this.#deliver(message);
    }
  }

  #append(message: Message, ready: Ready): void {
    const { storage } = this.#parts;
    const { entries, responses, snapshot } = message;
    const lastIndex = entries.length > 0 ? entries[entries.length - 1]!.index : 0;
    const meta: SnapshotMeta | null =
      snapshot === null ? null : { index: snapshot.index, term: snapshot.term, confState: snapshot.confState };
    if (meta !== null) this.#restoring = true;
    // A shorter log than before: what follows is not durable until this write is.
    if (lastIndex > 0) this.durableIndex = Math.min(this.durableIndex, entries[0]!.index - 1);
    storage.append({ hardState: ready.hardState, entries, snapshot: meta }, () => {
      if (this.#stopped) return;
      if (lastIndex > 0) this.durableIndex = Math.min(lastIndex, storage.lastIndex());
      else if (meta !== null) this.durableIndex = Math.max(this.durableIndex, meta.index);
      for (const response of responses) this.#durable.push(response);
      if (meta !== null) this.#restore(meta);
      this.wake();
    });
  }

  #restore(meta: SnapshotMeta): void {
    this.#parts.hooks.restore(meta).then(
      (limiter) => {
        if (this.#stopped) return;
        this.replaceLimiter(limiter);
        this.appliedIndex = Math.max(this.appliedIndex, meta.index);
        this.#restoring = false;
        this.wake();
      },
      (error: unknown) => this.#parts.hooks.failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** The state machine was rebuilt from an image that a majority agrees with. */
  replaceLimiter(limiter: Limiter): void {
    this.limiter = limiter;
    this.#parts.hashes.forget();
    this.#parts.stamp.sawEntry(limiter.stampUs);
    this.#parts.hooks.replaced();
  }

  #applyAll(): void {
    while (!this.#restoring && this.#applies.length > 0) {
      const message = this.#applies.shift()!;
      for (const entry of message.entries) this.#apply(entry);
      for (const response of message.responses) this.#deliver(response);
    }
  }

  #apply(entry: Entry): void {
    const { proposals, stamp, hashes, hooks } = this.#parts;
    const { index, term, data } = entry;
    this.appliedIndex = Math.max(this.appliedIndex, index);
    if (entry.type !== EntryType.normal) {
      // Whom it concerns must not hear of it later than of what is built on it.
      this.#outbox.releaseNews();
      const change = decodeConfChange(data);
      hooks.appliedOther(entry, change, this.raft.applyConfChange(change));
    } else if (data.length === 0) {
      hooks.appliedOther(entry, null, null);
      proposals.superseded(index, term, () => notLeader(this.role.leader, this.role.term));
    } else if (index > this.limiter.appliedIndex) {
      const applied = this.limiter.apply(index, data);
      stamp.sawEntry(applied.stampUs);
      hooks.applied(applied);
      proposals.applied(index, term, applied, () => notLeader(this.role.leader, this.role.term));
    }
    if (hashes.wants(index)) hashes.record(index, this.limiter.stateHash().hash);
  }

  #deliver(message: Message): void {
    const { to, type } = message;
    if (to === this.#parts.nodeId) {
      this.raft.step(message);
    } else if (type === MessageType.snap) {
      this.#parts.hooks.sendSnapshot(message);
    } else {
      this.#outbox.add(message, this.raft.lastIndex);
    }
  }

  #sendAll(): void {
    if (this.#outbox.isEmpty) return;
    const { clock, stamp, peers, hashes, hooks } = this.#parts;
    const wallMs = clock.wallMs();
    const facts = {
      stampUs: stamp.nowUs(),
      stampLive: stamp.live,
      stampTerm: stamp.lineTerm,
      wallUs: Math.max(0, Math.floor(wallMs * 1_000)),
      probeMs: clock.monotonicMs(),
      probeWallMs: wallMs,
      hashIndex: hashes.newestIndex,
      hash: hashes.newestHash,
    };
    this.#outbox.empty(this.raft.term, (to, messages) => {
      const peer = peers.get(to);
      const echoMs = peer?.probeMs ?? 0;
      const echoWallMs = peer?.probeWallMs ?? 0;
      hooks.send(to, encodeEnvelope({ ...facts, echoMs, echoWallMs, messages }));
    });
  }
}

/** Whether only a leader says this. */
function isOfLeader(type: MessageType): boolean {
  return type === MessageType.app || type === MessageType.heartbeat || type === MessageType.snap;
}
