import type { Bounds, Limiter } from "@quorumguard/limiter";
import {
  createRaft,
  decodeConfChange,
  type Entry,
  EntryType,
  type Message,
  type NodeId,
  type Raft,
  type RaftStorage,
} from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import { CallDesk } from "./call-desk.ts";
import { Driver, type DriverHooks, type Role } from "./driver.ts";
import { outcomeUnknown, unavailable } from "./failures.ts";
import { ForwardServer } from "./forward-server.ts";
import { Forwarder } from "./forwarder.ts";
import { HashWatch } from "./hash-watch.ts";
import { Leadership } from "./leadership.ts";
import type { Members } from "./members.ts";
import type { NamespaceWatch } from "./namespace-watch.ts";
import type { ResolvedNodeOptions } from "./node-options.ts";
import type { PeerBoard } from "./peer-board.ts";
import type { ProofOfLoss } from "./proof-of-loss.ts";
import { Proposals } from "./proposals.ts";
import { Resync } from "./resync.ts";
import { restoreNewest, Snapshots } from "./snapshots.ts";
import { StampClock } from "./stamp-clock.ts";

/** Bytes of log looked at in one go for changes of the members. */
const lookAheadBytes = 1_048_576;

/** What a formed node is built from. */
export interface RunningNodeParts {
  readonly options: ResolvedNodeOptions;
  readonly storage: Storage;
  readonly limiter: Limiter;
  /** Index of the snapshot that `limiter` was restored from; 0: none. */
  readonly restoredIndex: number;
  readonly peers: PeerBoard;
  /** Follows what is applied here. */
  readonly members: Members;
  /** Is told what is applied here. */
  readonly namespaces: NamespaceWatch;
  /** The log lost its end: the core begins by abstaining (SEMANTICS N2). */
  readonly abstains: boolean;
  readonly roleChanged: (now: Role, before: Role) => void;
  /** An entry was applied that is not the state machine's; the members are up to date with it. */
  readonly appliedOther: (entry: Entry) => void;
  /** A message shows that a disk lost what was acknowledged. */
  readonly lossProven: (message: Message, proof: ProofOfLoss) => void;
  /** The log of a node that abstained has all that it may have lost, durably. Called once. */
  readonly settled: () => void;
  readonly failed: (error: Error) => void;
}

/** Everything that a formed node runs, wired together. */
export interface RunningNode {
  readonly driver: Driver;
  readonly desk: CallDesk;
  readonly proposals: Proposals;
  readonly forwarder: Forwarder;
  readonly server: ForwardServer;
  readonly stamp: StampClock;
  readonly hashes: HashWatch;
  readonly snapshots: Snapshots;
  readonly resync: Resync;
  readonly leadership: Leadership;
}

/** Builds the parts of a formed node. They refer to each other, so the driver's hooks look them up when they are called. */
export function createRunningNode(parts: RunningNodeParts): RunningNode {
  const { options, storage, limiter, restoredIndex, peers, members, failed } = parts;
  const { nodeId, clock, transport, log, electionMs } = options;
  const stamp = new StampClock(clock, limiter.stampUs);
  const proposals = new Proposals({
    maxItems: options.maxEntryItems,
    maxBytes: options.maxEntryBytes,
    stampUs: () => stamp.nowUs(),
  });
  const hashes = new HashWatch(nodeId, members);
  const raft = createRaft({
    ...raftOptions(options, foundersAtFirst(storage), restoredIndex),
    trace: (line) => log("debug", "raft", { line }),
  });
  if (parts.abstains) raft.abstain();
  const send = (to: NodeId, frame: Uint8Array): void => transport.send(to, frame);
  const wake = (): void => driver.wake();
  let unsettled = parts.abstains;
  const hooks: DriverHooks = {
    roleChanged(now, before) {
      if (now.leader !== before.leader && now.leader !== 0) forwarder.leaderIs(now.leader);
      const leadsAnew = now.state === "leader" && (before.state !== "leader" || before.term !== now.term);
      if (leadsAnew && stamp.lostLine) log("warn", "stamp-line-lost", { term: now.term });
      parts.roleChanged(now, before);
    },
    ignores: (message) => leadership.ignores(message),
    asked: (message) => leadership.asked(message),
    deposed: (from) => leadership.deposed(from),
    lossProven: parts.lossProven,
    applied: (applied) => parts.namespaces.applied(applied),
    replaced: () => parts.namespaces.replaced(),
    ticked() {
      if (unsettled && isRepaired(raft, driver)) {
        unsettled = false;
        parts.settled();
      }
      forwarder.expire();
      parts.namespaces.ticked();
      leadership.ticked();
      snapshots.ticked();
      resync.ticked();
    },
    sendSnapshot: (message) => snapshots.send(message),
    async restore(meta) {
      const restored = await restoreNewest(storage);
      if (restored === null || restored.meta.index < meta.index)
        throw new Error(`the snapshot at ${meta.index} is gone`);
      members.restored(restored.meta.index, restored.meta.confState, restored.meta.members);
      return restored.limiter;
    },
    appliedOther(entry, change, confState) {
      if (confState !== null) {
        const { leader } = driver.role;
        const wasMember = members.includes(leader);
        members.applied(entry.index, change, confState);
        // It was removed while it led, and stops: nobody is to be sent there, and nobody need wait for its silence.
        if (wasMember && !members.includes(leader)) raft.forgetLeader();
      }
      parts.appliedOther(entry);
    },
    flush() {
      forwarder.flush();
      server.flush();
    },
    send,
    failed,
  };
  const driver = new Driver({
    nodeId,
    raft,
    storage,
    limiter,
    appliedIndex: restoredIndex,
    clock,
    tickMs: options.tickMs,
    electionMs,
    peers,
    stamp,
    proposals,
    hashes,
    wantedBounds: (now) => boundsToPropose(now, options.bounds),
    hooks,
  });
  const firstId = Math.floor(options.random() * 2 ** 40);
  const forwarder = new Forwarder({ clock, timeoutMs: options.forwardTimeoutMs, firstId, send, wake });
  const desk = new CallDesk({ driver, proposals, forwarder, peers, stamp, options });
  const server = new ForwardServer({
    target: {
      calls: (operation, submit, sink) => desk.submit(operation.origin, operation.batch, submit, sink),
      peek: (operation, submit, sink) => peekForwarded(desk, operation, submit, sink),
      operation: (operation, submit, done) => desk.operate(operation, submit, done),
      question: (question, submit, answered) => desk.ask(question, submit, answered),
    },
    send,
    wake,
  });
  const leadership = new Leadership({
    nodeId,
    electorate: members,
    driver,
    peers,
    storage,
    clock,
    electionMs,
    random: options.random,
    log,
  });
  const { snapshotLogBytes, trailingEntries } = options;
  const snapshots = new Snapshots({
    nodeId,
    driver,
    storage,
    members,
    transport,
    clock,
    snapshotLogBytes,
    trailingEntries,
    log,
    failed,
    receiveResync: (from, message) =>
      Resync.isOffer(message) && message.snapshot !== null ? resync.receive(from, message.snapshot) : undefined,
  });
  const resync = new Resync({ nodeId, driver, storage, transport, hashes, leadership, snapshots, clock, log });
  return { driver, desk, proposals, forwarder, server, stamp, hashes, snapshots, resync, leadership };
}

/** Whether what the node may have lost is in its log again, on its own disk: a restart then needs no care. */
function isRepaired(raft: Raft, driver: Driver): boolean {
  const { abstaining, voteFloor, lastIndex } = raft.status();
  return !abstaining && voteFloor === null && driver.durableIndex >= lastIndex;
}

function raftOptions(
  options: ResolvedNodeOptions,
  storage: RaftStorage,
  applied: number,
): Parameters<typeof createRaft>[0] {
  const { random } = options;
  return {
    id: options.nodeId,
    storage,
    applied,
    electionTimeoutTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    asyncStorageWrites: true,
    preVote: true,
    checkQuorum: true,
    // A leader hands over before it is removed; this is for one that was elected while its removal was in the log.
    stepDownOnRemoval: true,
    // A follower cannot stamp an entry.
    disableProposalForwarding: true,
    random: (bound) => Math.floor(random() * bound),
  };
}

/**
 * Brings `members` up to what is known to be committed, before anything runs: whom to dial, and whose hello to take, must not be
 * answered from an earlier membership. The driver applies the same entries again, which changes nothing.
 */
export function lookAhead(
  options: ResolvedNodeOptions,
  storage: Storage,
  restoredIndex: number,
  members: Members,
): void {
  const { commit } = storage.initialState().hardState;
  const raft = createRaft(raftOptions(options, foundersAtFirst(storage), restoredIndex));
  for (let index = restoredIndex + 1; index <= commit; ) {
    const entries = storage.entries(index, commit + 1, lookAheadBytes);
    if (typeof entries === "string" || entries.length === 0) return;
    for (const entry of entries) {
      if (entry.type === EntryType.normal) continue;
      const change = decodeConfChange(entry.data);
      members.applied(entry.index, change, raft.applyConfChange(change));
    }
    index += entries.length;
  }
}

/** A log without a snapshot says nothing of its members: they are the founders, as the identity names them. */
function foundersAtFirst(storage: Storage): RaftStorage {
  const voters = storage.identity?.founders.map((founder) => founder.nodeId) ?? [];
  return {
    initialState() {
      const { hardState, confState } = storage.initialState();
      if (confState.voters.length > 0) return { hardState, confState };
      return {
        hardState,
        confState: { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
      };
    },
    entries: (lo, hi, maxBytes) => storage.entries(lo, hi, maxBytes),
    term: (index) => storage.term(index),
    firstIndex: () => storage.firstIndex(),
    lastIndex: () => storage.lastIndex(),
    snapshot: () => storage.snapshot(),
  };
}

/** The limits to propose at takeover, or null if they are as configured. */
function boundsToPropose(now: Bounds, wanted: Partial<Bounds> | undefined): Bounds | null {
  if (wanted === undefined) return null;
  const next: Bounds = { ...now, ...wanted };
  const names = Object.keys(next) as (keyof Bounds)[];
  return names.some((name) => next[name] !== now[name]) ? next : null;
}

function peekForwarded(
  desk: CallDesk,
  operation: Parameters<ConstructorParameters<typeof ForwardServer>[0]["target"]["peek"]>[0],
  submit: Parameters<CallDesk["peek"]>[4],
  sink: Parameters<CallDesk["peek"]>[5],
): void {
  const { origin, batch } = operation;
  const rule = batch.rules[batch.ruleIndexes?.[0] ?? 0];
  if (origin.kind === "session" || rule === undefined || batch.items !== 1) {
    const message = "a forwarded peek must be one anonymous item";
    sink.failed(0, 1, { reason: "invalid-argument", applied: "no", message, retryAfterMs: 0, leaderId: 0, term: 0 });
    return;
  }
  const start = batch.keyStarts[0]!;
  const key = batch.keyBytes.subarray(start, start + batch.keyLengths[0]!);
  desk.peek(origin.namespace, rule, key, batch.costs?.[0] ?? 1, submit, sink);
}

/** Takes a running node out of every conversation at once: what it had in hand is answered for the last time. */
export function silence({ driver, leadership, snapshots, proposals, forwarder }: RunningNode): void {
  driver.stop();
  leadership.stop();
  snapshots.stop();
  const unknown = outcomeUnknown("the node stops while the call is in its log", 0, 0);
  proposals.abandon(unknown, unavailable("the node stops", 0, 0));
  forwarder.leaderIs(0);
}
