import type { CommittedEntry } from "@quorumguard/audit";
import { type Entry, EntryType, type Message, MessageType } from "@quorumguard/raft";
import { decodeEnvelope, FrameKind } from "../production.ts";

/** What the wire alone proves about Raft, and what it proves broken. */
export interface Wiretap {
  /** To be told every frame that a node hands to the network, whether or not it arrives. */
  frame(from: number, to: number, frame: Uint8Array): void;
  /** The committed entries known so far, by ascending index. */
  committed(): CommittedEntry[];
  /** Calls `each` for every committed entry of this range that changes the membership. */
  changesBetween(fromIndex: number, toIndex: number, each: (index: number, data: Uint8Array) => void): void;
  /** Term of the entry at `index` in the log of that term's leader, if its messages have told. */
  termOf(leaderTerm: number, index: number): number | undefined;
  /** A node that is a cluster by itself sends nothing: its disk tells what its log is. */
  sawOwnLog(entries: readonly Entry[], previousTerm: number): void;
  /** The leader of this term calls everything up to `index` committed. */
  sawCommit(leaderTerm: number, index: number): void;
  readonly violations: readonly string[];
  /** Highest term seen. */
  readonly term: number;
}

interface SeenEntry {
  readonly term: number;
  readonly index: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** Term of the entry before it: by the log matching property there is only one. */
  readonly previousTerm: number;
}

const sameBytes = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/**
 * Watches Raft from outside. An append message names an entry, what stands before it and what is committed, so every
 * committed entry can be derived from the messages of its leaders, and each of these must never be contradicted:
 * one leader per term, one vote per term, one entry per (index, term) with one predecessor, one committed term per index.
 */
export function createWiretap(heard: (message: Message, frame: Uint8Array) => void = () => {}): Wiretap {
  const leaders = new Map<number, number>();
  const votes = new Map<string, number>();
  const seen = new Map<string, SeenEntry>();
  const committed = new Map<number, { term: number; data: Uint8Array | null; inTerm: number }>();
  const violations: string[] = [];
  /** Terms in the log of each term's leader, as far as its append messages tell. */
  const logs = new Map<number, Map<number, number>>();
  let highestTerm = 0;

  const keyOf = (index: number, term: number) => `${index}/${term}`;

  function sawLeader(term: number, node: number): void {
    const known = leaders.get(term);
    if (known === undefined) leaders.set(term, node);
    else if (known !== node)
      violations.push(`election safety: node-${known} and node-${node} both lead in term ${term}`);
  }

  function sawVote(term: number, voter: number, candidate: number): void {
    const key = `${term}/${voter}`;
    const known = votes.get(key);
    if (known === undefined) votes.set(key, candidate);
    else if (known !== candidate)
      violations.push(`one vote per term: node-${voter} votes for node-${known} and node-${candidate} in term ${term}`);
  }

  function sawEntry(entry: Entry, previousTerm: number): void {
    const key = keyOf(entry.index, entry.term);
    const known = seen.get(key);
    if (known === undefined) {
      seen.set(key, { ...entry, data: entry.data.slice(), previousTerm });
      return;
    }
    if (known.type !== entry.type || !sameBytes(known.data, entry.data))
      violations.push(`log matching: two entries at index ${entry.index} of term ${entry.term}`);
    if (known.previousTerm !== previousTerm)
      violations.push(
        `log matching: entry ${entry.index} of term ${entry.term} follows terms ${known.previousTerm} and ${previousTerm}`,
      );
  }

  /** The entry at `index` of `term` is committed, and so is all that stands before it. */
  function sawCommit(index: number, term: number, inTerm: number): void {
    let at = index;
    let atTerm = term;
    while (at > 0) {
      const known = committed.get(at);
      if (known !== undefined && known.term !== atTerm) {
        violations.push(
          `committed entries never change: index ${at} was committed in term ${known.term}, now ${atTerm}`,
        );
        return;
      }
      const entry = seen.get(keyOf(at, atTerm));
      if (known !== undefined && (known.data !== null || entry === undefined)) break;
      committed.set(at, { term: atTerm, data: entry?.data ?? null, inTerm: Math.min(inTerm, known?.inTerm ?? inTerm) });
      if (entry === undefined) break;
      at -= 1;
      atTerm = entry.previousTerm;
    }
  }

  /** What was committed in an earlier term stands in the log of every later leader (thesis §3.6.3). */
  function checkComplete({ term: leaderTerm, from }: Message, index: number, term: number): void {
    const known = committed.get(index);
    if (known === undefined || known.term === term || known.inTerm >= leaderTerm) return;
    violations.push(
      `leader completeness: node-${from} leads term ${leaderTerm} with term ${term} at index ${index}, ` +
        `where term ${known.term} was committed in term ${known.inTerm}`,
    );
  }

  function sawAppend(message: Message): void {
    const log = logs.get(message.term) ?? new Map<number, number>();
    logs.set(message.term, log);
    let term = message.logTerm;
    log.set(message.index, term);
    checkComplete(message, message.index, term);
    for (const entry of message.entries) {
      sawEntry(entry, term);
      term = entry.term;
      log.set(entry.index, term);
      checkComplete(message, entry.index, term);
    }
    sawCommitOf(message.term, Math.min(message.commit, message.index + message.entries.length));
  }

  function sawCommitOf(leaderTerm: number, index: number): void {
    const term = logs.get(leaderTerm)?.get(index);
    if (term !== undefined) sawCommit(index, term, leaderTerm);
  }

  return {
    violations,
    sawOwnLog(entries, previousTerm) {
      let term = previousTerm;
      for (const entry of entries) {
        sawEntry(entry, term);
        term = entry.term;
        const log = logs.get(term) ?? new Map<number, number>();
        logs.set(term, log);
        log.set(entry.index, term);
      }
    },
    sawCommit: sawCommitOf,
    changesBetween(fromIndex, toIndex, each) {
      for (let index = fromIndex; index <= toIndex; index++) {
        const known = committed.get(index);
        const entry = known === undefined ? undefined : seen.get(keyOf(index, known.term));
        if (entry !== undefined && entry.type !== EntryType.normal) each(index, entry.data);
      }
    },
    termOf: (leaderTerm, index) => logs.get(leaderTerm)?.get(index),
    get term() {
      return highestTerm;
    },
    frame(from, to, frame) {
      if (frame[0] !== FrameKind.envelope) return;
      for (const message of decodeEnvelope(frame, from, to).messages) {
        highestTerm = Math.max(highestTerm, message.term);
        heard(message, frame);
        if (message.type === MessageType.voteResp && !message.reject) sawVote(message.term, from, to);
        if (message.type === MessageType.heartbeat || message.type === MessageType.app) sawLeader(message.term, from);
        if (message.type === MessageType.app) sawAppend(message);
        // A heartbeat names no entry, but its sender has said before which one stands there.
        if (message.type === MessageType.heartbeat) sawCommitOf(message.term, message.commit);
      }
    },
    committed() {
      const entries: CommittedEntry[] = [];
      for (const index of [...committed.keys()].sort((one, other) => one - other)) {
        const { term } = committed.get(index)!;
        const entry = seen.get(keyOf(index, term));
        // Membership entries and those that open a term hold nothing for the limiter.
        if (entry !== undefined) entries.push({ index, term, data: entry.type === 0 ? entry.data : new Uint8Array(0) });
      }
      return entries;
    },
  };
}
