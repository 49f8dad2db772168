import type { NodeStatus } from "@quorumguard/cluster";
import { type Message, MessageType } from "@quorumguard/raft";
import type { ClusterNode } from "../production.ts";

/** Holds what nodes say about themselves against each other, against their disks and against true time. */
export interface NodeWatch {
  /** After each event of a node's process. */
  observe(nodeId: number, boot: number, node: ClusterNode): void;
  /** A node has said this to another: what it promises must hold over restarts too. */
  heard(message: Message): void;
  /** Stamps may jump until the cluster is whole again: a majority has lost its sense of time (SEMANTICS T2). */
  timeBroke(): void;
  /** A leader says that nobody follows the line of the last entry in its log: its stamps may begin at that entry's. */
  lineWasLost(term: number): void;
  /** Whether a term is known to have had a leader. */
  ledIn(term: number): boolean;
  /** The latest term that had a leader. */
  readonly term: number;
  readonly violations: readonly string[];
  readonly leaderChanges: number;
  /** Highest index that a leader has called committed. */
  readonly commitIndex: number;
}

interface Last {
  boot: number;
  status: NodeStatus;
}

interface StampSample {
  readonly atUs: number;
  readonly stampUs: number;
  readonly nodeId: number;
  readonly term: number;
}

/** A leader calls more committed than anybody did before. */
export interface Commit {
  readonly nodeId: number;
  readonly term: number;
  readonly index: number;
  /** What was committed before. */
  readonly before: number;
  /** What the leader had applied before this event, and has now. */
  readonly appliedBefore: number;
  readonly applied: number;
}

/** What a watch needs to know of the world, and whom it tells. */
export interface NodeWatchOptions {
  readonly nowUs: () => number;
  /** How far a stamp may lag behind by what a heartbeat needs to arrive; it is lost once per change of leader, and never won. */
  readonly maxLagPerChangeUs: () => number;
  /** A node has become leader, before anything that it commits. */
  readonly led: (nodeId: number, term: number, lastIndex: number) => void;
  /** Returns what is wrong with it, or null. */
  readonly committed: (commit: Commit) => string | null;
  /** A leader gave up in its own term: no quorum answers it, or it was removed. */
  readonly steppedDown: (nodeId: number) => void;
  /** Whether the disk of a node lost, or falsified, what it had called durable: then it may come back with less than it promised. */
  readonly mayForget: (nodeId: number) => boolean;
  /** The stamps of a leader run faster or slower than true time, within their bounds. */
  readonly slewed: () => void;
}

const monotoneNames = ["term", "commitIndex", "appliedIndex", "snapshotIndex"] as const;

/** A stretch over which a rate is measured and not a rounding. */
const sampleUs = 200_000;

/** Makes a watch that has seen nothing yet. */
export function createNodeWatch(options: NodeWatchOptions): NodeWatch {
  const last = new Map<number, Last>();
  const hashes = new Map<number, string>();
  const leaders = new Map<number, number>();
  const violations: string[] = [];
  let commitIndex = 0;
  let latestTerm = 0;
  let sample: StampSample | null = null;
  const lineless = new Set<number>();
  /** The latest term that each node promised something in. */
  const promised = new Map<number, number>();

  /**
   * SEMANTICS T3. Only a leader that has applied an entry of its own term hands stamps out, and only until a later term has
   * a leader: a quorum that voted there takes nothing of it any more. Its line may go on for as long as it is paused or cut off,
   * at 0.99, while the successor's runs from the same point at 1.01: two lines that each keep the bound drift apart by 2 %.
   * What the successor gives out is held against the last stamp that could still be committed before it.
   */
  function checkStamp(nodeId: number, term: number, node: ClusterNode): void {
    if (term < latestTerm) return;
    const now: StampSample = { atUs: options.nowUs(), stampUs: node.stampUs(), nodeId, term };
    const before = sample;
    if (before === null || now.term > before.term) {
      const lagUs = lineless.has(now.term) ? Number.POSITIVE_INFINITY : options.maxLagPerChangeUs();
      if (before !== null) compareStamps(before, now, lagUs);
      sample = now;
      return;
    }
    compareStamps(before, now, 0);
    const elapsedUs = now.atUs - before.atUs;
    if (elapsedUs <= sampleUs) return;
    if (Math.abs(now.stampUs - before.stampUs - elapsedUs) > 0.005 * elapsedUs) options.slewed();
    sample = now;
  }

  function compareStamps(before: StampSample, now: StampSample, lagUs: number): void {
    const elapsedUs = now.atUs - before.atUs;
    const gainedUs = now.stampUs - before.stampUs;
    const roundingUs = 2_000;
    const who = `node-${now.nodeId} in term ${now.term}`;
    if (gainedUs > elapsedUs * 1.01 + roundingUs)
      violations.push(`time: ${who} gained ${gainedUs} us of stamp in ${elapsedUs} us`);
    if (gainedUs < elapsedUs * 0.99 - roundingUs - lagUs)
      violations.push(`time: ${who} gained only ${gainedUs} us of stamp in ${elapsedUs} us`);
  }

  function checkHash(nodeId: number, { appliedIndex, stateHash }: NodeStatus): void {
    if (appliedIndex === 0) return;
    const known = hashes.get(appliedIndex);
    if (known === undefined) hashes.set(appliedIndex, stateHash);
    else if (known !== stateHash)
      violations.push(
        `state machine safety: node-${nodeId} has hash ${stateHash} at index ${appliedIndex}, another had ${known}`,
      );
  }

  function checkIndexes(nodeId: number, now: NodeStatus, before: NodeStatus | null): void {
    if (before !== null)
      for (const name of monotoneNames)
        if (now[name] < before[name])
          violations.push(`monotone: ${name} of node-${nodeId} went from ${before[name]} to ${now[name]}`);
    const { snapshotIndex, appliedIndex, commitIndex: committed, lastIndex } = now;
    // A received snapshot is the log's before the state has been rebuilt from it, so it is held against what is committed.
    if (snapshotIndex > committed || appliedIndex > committed || committed > lastIndex)
      violations.push(
        `order: node-${nodeId} has snapshot ${snapshotIndex}, applied ${appliedIndex}, commit ${committed}, last ${lastIndex}`,
      );
  }

  /** Once a node has promised something in a term, no restart may bring it back below that: it could promise otherwise in it. */
  function checkPromised(nodeId: number, { role, term }: NodeStatus): void {
    // Before it has read its disk it knows of no term.
    if (role === "forming" || role === "joining") return;
    const least = promised.get(nodeId) ?? 0;
    if (term < least && !options.mayForget(nodeId))
      violations.push(`monotone: node-${nodeId} is in term ${term} after it answered in term ${least}`);
  }

  function checkCommit(nodeId: number, term: number, now: NodeStatus, appliedBefore: number): void {
    if (now.commitIndex <= commitIndex) return;
    const [before, index, applied] = [commitIndex, now.commitIndex, now.appliedIndex];
    commitIndex = index;
    const wrong = options.committed({ nodeId, term, index, before, appliedBefore, applied });
    if (wrong !== null) violations.push(wrong);
  }

  function checkLeader(nodeId: number, node: ClusterNode, now: NodeStatus, appliedBefore: number): void {
    const { term } = now;
    const other = leaders.get(term);
    if (other === undefined) {
      leaders.set(term, nodeId);
      latestTerm = Math.max(latestTerm, term);
      // Votes that waited in a clog may make a leader of a term that is over: it owes nothing to what later terms committed.
      if (term === latestTerm && now.lastIndex < commitIndex)
        violations.push(
          `leader completeness: node-${nodeId} leads term ${term} with ${now.lastIndex} entries, ${commitIndex} were committed`,
        );
      options.led(nodeId, term, now.lastIndex);
    } else if (other !== nodeId)
      violations.push(`election safety: node-${other} and node-${nodeId} both lead in term ${term}`);
    checkCommit(nodeId, term, now, appliedBefore);
    if (node.leads) checkStamp(nodeId, term, node);
  }

  return {
    violations,
    get leaderChanges() {
      // The first to lead takes over from nobody.
      return Math.max(0, leaders.size - 1);
    },
    get commitIndex() {
      return commitIndex;
    },
    get term() {
      return latestTerm;
    },
    ledIn: (term) => leaders.has(term),
    heard({ type, from, term }) {
      // These wait for the flush of the term that they are said in. All others may leave before it: who asks or leads promises nothing yet.
      if (type !== MessageType.appResp && type !== MessageType.voteResp) return;
      promised.set(from, Math.max(promised.get(from) ?? 0, term));
    },
    timeBroke() {
      sample = null;
    },
    lineWasLost(term) {
      lineless.add(term);
    },
    observe(nodeId, boot, node) {
      const status = node.status();
      const known = last.get(nodeId);
      // It has put down its log for good, and what it says of it is of no use to anybody.
      if (status.role === "removed") return;
      const before = known !== undefined && known.boot === boot ? known.status : null;
      // A leader that commits its own removal, or answers a higher term in the same turn, is none any more when it is asked.
      if (before?.role === "leader" && status.role !== "leader")
        checkCommit(nodeId, before.term, status, before.appliedIndex);
      checkIndexes(nodeId, status, before);
      checkPromised(nodeId, status);
      if (status.role === "leader") checkLeader(nodeId, node, status, before?.appliedIndex ?? 0);
      else if (before?.role === "leader" && before.term === status.term) options.steppedDown(nodeId);
      if (status.commitIndex > commitIndex && status.role !== "leader")
        violations.push(`node-${nodeId} calls ${status.commitIndex} committed, no leader more than ${commitIndex}`);
      if (before === null || status.appliedIndex !== before.appliedIndex) checkHash(nodeId, status);
      if (known === undefined) last.set(nodeId, { boot, status });
      else {
        known.boot = boot;
        known.status = status;
      }
    },
  };
}
