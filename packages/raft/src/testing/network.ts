import { decodeConfChange } from "../confchange/codec.ts";
import { createMemoryStorage, type MemoryStorage } from "../log/memory-storage.ts";
import { RaftNode } from "../raft-node.ts";
import {
  appendThread,
  applyThread,
  type ConfState,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  noNode,
  type RaftOptions,
  type ReadState,
  type Snapshot,
} from "../types.ts";

/** Numbers that look random and are the same in every run of a seed (mulberry32). */
export function createRandom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** A member: what it would lose in a crash (`view`, `appendWork`) and what it would keep (`durable`). */
export interface Member {
  raft: RaftNode;
  /** The log as the core reads it: writes show at once. */
  view: MemoryStorage;
  /** What was flushed. */
  durable: MemoryStorage;
  /** As `durable`, but for the last write: what a torn last frame leaves. */
  beforeLastWrite: MemoryStorage | null;
  confState: ConfState;
  readonly appendWork: Message[];
  /** The highest term it ever wrote: what survives the loss of any write. */
  highestTerm: number;
  /** Entries applied since the last start or snapshot. */
  readonly applied: Entry[];
  /** The state machine: the text of every entry, snapshots included. */
  texts: string[];
  readonly readStates: ReadState[];
  up: boolean;
}

/** How the cores of a network are set up. */
export interface NetworkOptions {
  readonly members: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** Nodes that exist but belong to no group yet. */
  readonly outsiders?: readonly NodeId[];
  readonly seed?: number;
  /** Whether `restartDamaged` will be used: it costs a copy of the disk per write. */
  readonly remembersLastWrite?: boolean;
  readonly raft?: Partial<RaftOptions>;
}

/** A group of cores with asynchronous storage in one process. Nothing moves unless a test says so. */
export class Network {
  readonly members = new Map<NodeId, Member>();
  queue: Message[] = [];
  /** The member that lost the end of its log and is not repaired yet. */
  abstainer: NodeId = noNode;
  /** Members whose flushes a test performs itself. */
  readonly slowDisks = new Set<NodeId>();
  /** Messages for which this holds are lost. */
  loses: (message: Message) => boolean = () => false;
  readonly random: (bound: number) => number;
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.random = createRandom(options.seed ?? 1);
    const voters = options.members.filter((id) => !options.learners?.includes(id));
    const learners = options.learners ?? [];
    const confState: ConfState = { voters, votersOutgoing: [], learners, learnersNext: [], autoLeave: false };
    const nobody: ConfState = { ...confState, voters: [], learners: [] };
    // Where others may join, the founders' membership stands in a snapshot, or newcomers would never learn it.
    const founding = options.outsiders === undefined ? null : { index: 1, term: 1, confState, data: new Uint8Array(0) };
    for (const id of options.members) this.#add(id, confState, founding);
    for (const id of options.outsiders ?? []) this.#add(id, nobody, null);
  }

  member(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no member ${id}`);
    return member;
  }

  raft(id: NodeId): RaftNode {
    return this.member(id).raft;
  }

  /** The leader of the highest term among those that are up. */
  leader(): NodeId | null {
    let best: RaftNode | null = null;
    for (const { raft, up } of this.members.values()) {
      if (up && raft.softState.state === "leader" && (best === null || raft.term > best.term)) best = raft;
    }
    return best?.core.id ?? null;
  }

  /** Does all work of one member: sends its messages, starts its writes, and applies what is committed. */
  run(id: NodeId): void {
    const member = this.member(id);
    while (member.up && member.raft.hasReady()) {
      const ready = member.raft.ready();
      member.readStates.push(...ready.readStates);
      for (const message of ready.messages) {
        if (message.to === appendThread) this.#startAppend(member, message);
        else if (message.to === applyThread) this.#apply(member, message);
        else this.queue.push(message);
      }
      if (!this.slowDisks.has(id)) this.flush(id);
    }
  }

  /** Makes the oldest writes of a member durable, and delivers what waited for them. */
  flush(id: NodeId, count = Number.POSITIVE_INFINITY): void {
    const member = this.member(id);
    for (let done = 0; done < count && member.appendWork.length > 0; done++) {
      const write = member.appendWork.shift()!;
      if (this.#options.remembersLastWrite) member.beforeLastWrite = copyStorage(member.durable);
      persist(member.durable, write);
      member.highestTerm = Math.max(member.highestTerm, write.term);
      for (const response of write.responses) this.#deliverResponse(member, id, response);
    }
  }

  /** Delivers one message of the queue, unless it is lost. */
  deliver(message: Message): void {
    const target = this.members.get(message.to);
    if (target === undefined || !target.up || this.loses(message)) {
      this.lose(message);
      return;
    }
    target.raft.step(message);
    this.#reportSnapshot(message, true);
  }

  /** Loses a message. The transfer of a snapshot is the one thing whose end its sender always learns. */
  lose(message: Message): void {
    this.#reportSnapshot(message, false);
  }

  /** Lets everything happen until nothing is left to do. */
  settle(): void {
    for (let rounds = 0; rounds < 10_000; rounds++) {
      for (const id of this.members.keys()) this.run(id);
      if (this.queue.length === 0) return;
      const batch = this.queue;
      this.queue = [];
      for (const message of batch) this.deliver(message);
    }
    throw new Error("the network does not settle");
  }

  tick(id: NodeId, count = 1): void {
    for (let done = 0; done < count; done++) this.raft(id).tick();
  }

  /** Elects `id`, which must be able to win. */
  elect(id: NodeId): void {
    this.raft(id).campaign();
    this.settle();
  }

  propose(id: NodeId, ...texts: readonly string[]): ReturnType<RaftNode["propose"]> {
    return this.raft(id).propose(texts.map(encodeText));
  }

  /** Cuts `ids` off from everybody else; they still hear each other. */
  isolate(...ids: readonly NodeId[]): void {
    this.loses = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.loses = () => false;
  }

  /** The process dies: what was not flushed is gone. */
  crash(id: NodeId): void {
    const member = this.member(id);
    member.up = false;
    member.appendWork.length = 0;
  }

  /**
   * As `restart`, but the last write is damaged, acknowledged or not: the node abstains (SEMANTICS N2). What it sent before is
   * still under way. One at a time: the group outlives the loss of a minority's disks, not of more.
   */
  restartDamaged(id: NodeId): void {
    const member = this.member(id);
    if (this.abstainer !== noNode || member.beforeLastWrite === null) {
      this.restart(id);
      return;
    }
    member.durable = member.beforeLastWrite;
    this.abstainer = id;
    this.restart(id);
  }

  /** The owners' part of N2: what a restarted node must still know, until what repaired it is durable. */
  settleLoss(): void {
    if (this.abstainer === noNode) return;
    const { up, raft, appendWork } = this.member(this.abstainer);
    if (up && appendWork.length === 0 && !raft.status().abstaining) this.abstainer = noNode;
  }

  restart(id: NodeId): void {
    const member = this.member(id);
    member.beforeLastWrite = null;
    if (this.abstainer === id) {
      member.highestTerm++;
      const { commit } = member.durable.initialState().hardState;
      member.durable.setHardState({ term: member.highestTerm, vote: id, commit });
    }
    member.view = copyStorage(member.durable);
    member.durable = copyStorage(member.durable);
    member.confState = member.view.initialState().confState;
    member.applied.length = 0;
    member.texts = textsOf(member.view.snapshot());
    member.up = true;
    member.raft = this.#createRaft(id, member.view);
    if (this.abstainer === id) member.raft.abstain();
  }

  /** What the state machine holds; the empty entries of leaders are left out. */
  appliedTexts(id: NodeId): readonly string[] {
    return this.member(id).texts;
  }

  /** Writes an image of what was applied, and forgets the log up to it. */
  compact(id: NodeId): void {
    const { raft, view, durable, confState, texts, applied } = this.member(id);
    const index = applied.at(-1)?.index;
    if (index === undefined || raft.core.log.unstable.snapshot !== null) return;
    for (const storage of [view, durable]) {
      if (typeof storage.term(index) !== "number") continue;
      storage.createSnapshot(index, confState, encodeText(texts.join("\n")));
      storage.compact(index);
    }
  }

  #add(id: NodeId, confState: ConfState, founding: Snapshot | null): void {
    const view = createMemoryStorage(confState);
    const durable = createMemoryStorage(confState);
    if (founding !== null) for (const storage of [view, durable]) storage.applySnapshot(founding);
    const raft = this.#createRaft(id, view);
    const beforeLastWrite = null;
    const lists = { appendWork: [], applied: [], texts: [], readStates: [] };
    this.members.set(id, { raft, view, durable, beforeLastWrite, highestTerm: 0, confState, ...lists, up: true });
  }

  #createRaft(id: NodeId, storage: MemoryStorage): RaftNode {
    return new RaftNode({
      electionTimeoutTicks: 10,
      heartbeatTicks: 1,
      asyncStorageWrites: true,
      preVote: true,
      checkQuorum: true,
      ...this.#options.raft,
      id,
      storage,
      applied: storage.firstIndex() - 1,
      random: this.random,
    });
  }

  #reportSnapshot(message: Message, ok: boolean): void {
    const sender = this.members.get(message.from);
    if (message.type === MessageType.snap && sender?.up) sender.raft.reportSnapshot(message.to, ok);
  }

  #startAppend(member: Member, write: Message): void {
    persist(member.view, write);
    if (write.snapshot !== null) {
      member.applied.length = 0;
      member.texts = textsOf(write.snapshot);
      member.confState = write.snapshot.confState;
    }
    member.appendWork.push(write);
  }

  #apply(member: Member, work: Message): void {
    for (const entry of work.entries) {
      member.applied.push(entry);
      if (entry.type === EntryType.normal && entry.data.length > 0) member.texts.push(decodeText(entry.data));
      if (entry.type !== EntryType.normal) member.confState = member.raft.applyConfChange(decodeConfChange(entry.data));
    }
    for (const response of work.responses) member.raft.step(response);
  }

  /** A response to the node itself cannot be lost on the way. */
  #deliverResponse(member: Member, id: NodeId, response: Message): void {
    if (response.to === id) member.raft.step(response);
    else this.queue.push(response);
  }
}

const encodeText = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const decodeText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

function textsOf(snapshot: Snapshot | "unavailable"): string[] {
  if (snapshot === "unavailable" || snapshot.data.length === 0) return [];
  return decodeText(snapshot.data).split("\n");
}

function persist(storage: MemoryStorage, write: Message): void {
  const { term, vote, commit, entries, snapshot } = write;
  if (term !== 0 || commit !== 0) storage.setHardState({ term, vote, commit });
  if (snapshot !== null) storage.applySnapshot(snapshot);
  if (entries.length > 0) storage.append(entries);
}

function copyStorage(source: MemoryStorage): MemoryStorage {
  const { hardState, confState } = source.initialState();
  const copy = createMemoryStorage(confState);
  const snapshot = source.snapshot();
  if (snapshot !== "unavailable" && snapshot.index > 0) copy.applySnapshot(snapshot);
  copy.setHardState(hardState);
  const entries = source.entries(source.firstIndex(), source.lastIndex() + 1, Number.MAX_SAFE_INTEGER);
  if (typeof entries !== "string") copy.append(entries);
  return copy;
}
