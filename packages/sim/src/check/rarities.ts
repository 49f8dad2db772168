import { type Entry, type Message, MessageType } from "@quorumguard/raft";
import type { NodeEvents, NodeHost, NodeMachine } from "../cluster/node-host.ts";
import type { World } from "../world/world.ts";
import { type Configurations, hasQuorum, membersOf } from "./configuration.ts";
import type { NodeWatch } from "./node-watch.ts";
import type { RareState, RareStates } from "./rare-states.ts";

/** What is seen of nodes, their messages and their disks, turned into visits to rare states. */
export interface Rarities extends Omit<NodeEvents, "durable"> {
  /** A leader has committed; `holds`: whether its own disk has it; `jointly`: whether both halves of a joint configuration had to. */
  committed(machine: NodeMachine, holds: boolean, jointly: boolean): void;
  /** A Raft message was handed to the network. */
  heard(message: Message, frame: Uint8Array): void;
  /** A frame came to a node that runs. */
  arrived(frame: Uint8Array): void;
  /** A node has taken a snapshot that came over the network. */
  installed(nodeId: number): void;
  /** Entries have become durable on a disk. */
  stored(machine: NodeMachine, entries: readonly Entry[]): void;
  /** A snapshot travels between two nodes, or no longer. */
  copying(from: number, to: number, going: boolean): void;
  /** A node has become leader of a term. */
  led(machine: NodeMachine, term: number): void;
}

/** Log lines of nodes that speak for themselves. */
const byLogLine: Readonly<Record<string, RareState>> = {
  "dropped-last-frame": "droppedLastFrame",
  "abstention-ended": "abstainingNodeReturned",
  "succession-stands": "campaignAfterProvenDeath",
  "flush-stalled": "flushStallHandsOver",
};

/** What the core says when a node sticks to its leader. */
const ignoredPreVote = /ignores the pre-vote of (\d+): it hears leader (\d+)/;

/** A crash so soon after a write to a snapshot interrupts it. */
const betweenPiecesUs = 5_000;

/** A crash so soon after a snapshot got its name finds the log behind it uncut. */
const beforeCompactionUs = 2_000;

/** Watches for rare states from outside; `nodes` is asked for when something happens, since the host needs the watcher first. */
export function createRarities(
  world: World,
  rare: RareStates,
  nodes: () => NodeHost,
  configurations: Configurations,
  watch: () => Pick<NodeWatch, "commitIndex" | "ledIn" | "lineWasLost" | "term">,
): Rarities {
  const candidates = new Map<number, number>();
  const copies = new Map<number, number>();
  const raced = new Set<number>();
  const renames = new Map<NodeMachine, number>();
  const pieces = new Map<NodeMachine, number>();
  const repaired = new Set<NodeMachine>();
  /** What matters of frames on arrival, by frame: they were decoded once, when they were sent. */
  const awaited = new WeakMap<Uint8Array, Message[]>();
  /** Members that died with a joint configuration in their log. */
  const diedJointly = new Set<NodeMachine>();
  /** Entries that were durable on a quorum at one moment, and not committed, as index/term. */
  const stood = new Set<string>();
  /** Whom the leader of a term told to take over. */
  const appointed = new Map<number, number>();

  const machineOf = (nodeId: number) => nodes().machines.find((machine) => machine.nodeId === nodeId);

  function sawVoteRequest({ term, from }: Message): void {
    const first = candidates.get(term);
    if (first === undefined) candidates.set(term, from);
    else if (first !== from && first !== 0) {
      candidates.set(term, 0);
      rare.hit("candidateTie");
    }
  }

  /** A follower does not help to depose the leader that it hears. */
  function sawRaftLine(machine: NodeMachine, line: unknown): void {
    const [, from, leader] = ignoredPreVote.exec(String(line)) ?? [];
    if (from !== undefined && leader !== from && Number(leader) !== machine.nodeId)
      rare.hit("preVoteRefusedByStickiness");
  }

  function arrived(message: Message): void {
    const { type, to } = message;
    if (type === MessageType.timeoutNow) {
      if (configurations.latest.outgoing.length > 0) rare.hit("transferDuringJointConsensus");
    } else if (copies.has(to) && !raced.has(to)) {
      raced.add(to);
      rare.hit("snapshotRacingAppends");
    }
  }

  const mattersOnArrival = ({ type, entries, to }: Message) =>
    type === MessageType.timeoutNow || (type === MessageType.app && entries.length > 0 && copies.has(to));

  /** A durable entry gave way to one of another term. */
  function sawOverwrite(machine: NodeMachine, index: number, term: number, byTerm: number): void {
    world.trace.note(
      world.nowUs,
      `${machine.name} overwrites entry ${index} of term ${term} with one of term ${byTerm}`,
    );
    rare.hit("followerTruncatesConflict");
    // Once for each entry, however many disks had it.
    if (stood.delete(`${index}/${term}`)) rare.hit("figure8Overwrite");
    const latest = watch().term;
    for (let between = term + 1; between < latest; between++)
      if (watch().ledIn(between)) {
        rare.hit("outlivedTailOverwritten");
        return;
      }
  }

  function stored(machine: NodeMachine, entries: readonly Entry[]): void {
    const { latest } = configurations;
    const { commitIndex } = watch();
    for (const { index, term } of entries) {
      if (index <= commitIndex) continue;
      const holds = (nodeId: number) => nodeId === machine.nodeId || machineOf(nodeId)?.tap.has(index, term) === true;
      if (hasQuorum(latest, holds)) stood.add(`${index}/${term}`);
    }
  }

  return {
    stored,
    heard(message, frame) {
      const { type, from, to, term } = message;
      if (mattersOnArrival(message)) awaited.set(frame, [...(awaited.get(frame) ?? []), message]);
      if (type === MessageType.vote) sawVoteRequest(message);
      else if (type === MessageType.timeoutNow) appointed.set(term, to);
      else if (type === MessageType.voteResp && !message.reject) {
        const voter = machineOf(from);
        if (voter !== undefined && voter.boot > 1 && voter.running?.knowsTime === false) rare.hit("voteAfterRestart");
      }
    },
    arrived(frame) {
      for (const message of awaited.get(frame) ?? []) arrived(message);
    },
    installed(nodeId) {
      rare.hit("snapshotInstalled");
      if (configurations.latest.learners.includes(nodeId)) rare.hit("learnerCatchesUpBySnapshot");
    },
    logged(machine, event, fields) {
      if (event === "raft") sawRaftLine(machine, fields.line);
      if (event === "stamp-line-lost") watch().lineWasLost(Number(fields.term));
      if (event === "damaged-log") repaired.add(machine);
      if (event === "abstention-settled" && repaired.delete(machine)) rare.hit("damageRepaired");
      const state = byLogLine[event];
      if (state !== undefined) rare.hit(state);
    },
    crashing(machine, kind) {
      if (kind === "killed" && machine.tap.pending > 0) rare.hit("pageCacheOutlivedProcess");
      // One that an earlier crash left behind is no part of it.
      if (
        world.nowUs - (pieces.get(machine) ?? Number.NEGATIVE_INFINITY) < betweenPiecesUs &&
        machine.disk.list("snapshots").some((name) => name.endsWith(".part"))
      )
        rare.hit("crashDuringSnapshotWrite");
      if (world.nowUs - (renames.get(machine) ?? Number.NEGATIVE_INFINITY) < beforeCompactionUs)
        rare.hit("crashBetweenSnapshotAndCompaction");
      const { latest } = configurations;
      if (latest.outgoing.length > 0 && membersOf(latest).has(machine.nodeId) && machine.tap.lastIndex >= latest.index)
        diedJointly.add(machine);
      const status = machine.running?.node.status();
      if (status?.role !== "leader") return;
      const others = nodes().machines.filter((other) => other !== machine);
      if (others.length > 0 && others.every(({ tap }) => tap.lastIndex < status.lastIndex))
        rare.hit("leaderDiedWithUnreplicatedTail");
    },
    starting(machine) {
      // With another disk it knows of no configuration.
      if (diedJointly.delete(machine) && machine.disk.list("log").length > 0) rare.hit("restartInJointConsensus");
    },
    touched(machine, operation, path) {
      if (operation === "rename" && path.endsWith(".snap")) renames.set(machine, world.nowUs);
      if (operation === "write" && path.endsWith(".part")) pieces.set(machine, world.nowUs);
    },
    replaced: sawOverwrite,
    copying(_from, to, going) {
      const count = (copies.get(to) ?? 0) + (going ? 1 : -1);
      if (count > 0) copies.set(to, count);
      else copies.delete(to);
      if (going) raced.delete(to);
    },
    committed(machine, holds, jointly) {
      if (!holds) rare.hit("leaderWithUnflushedSelf");
      if (jointly) rare.hit("commitByJointQuorum");
      if (!membersOf(configurations.latest).has(machine.nodeId)) rare.hit("memberRemovedWhileLeading");
    },
    led(machine, term) {
      const { tap } = machine;
      if (tap.lastIndex > watch().commitIndex && tap.lastTerm < term) rare.hit("newLeaderWithOlderUncommittedTail");
      if (appointed.get(term - 1) === machine.nodeId) rare.hit("leadershipTransferred");
      const leaders = nodes().machines.filter((other) => other.running?.node.status().role === "leader");
      if (leaders.length > 1) rare.hit("twoLeadersAtOnce");
      if (leaders.length > 2) rare.hit("twoStaleLeaders");
      if (leaders.some((other) => other !== machine && other.running!.process.paused))
        rare.hit("leaderPausedPastElection");
    },
  };
}
