import { type Entry, EntryType, type Message, MessageType } from "@quorumguard/raft";
import type { CommittedEntry } from "../rate-limit/records.ts";
import type { EntryDataStore } from "./entry-data.ts";

/** What the messages between nodes alone prove about Raft, and what they prove broken. */
export interface RaftWitness {
  /** To be told every message that a node sends, whether or not it arrives, in whatever order. */
  hear(message: Message): void;
  /** What stands in somebody's log, behind an entry of `previousTerm`: for a node that is alone and so sends nothing. */
  sawEntries(entries: readonly Entry[], previousTerm: number): void;
  /** The leader of this term calls everything up to `index` committed. */
  sawCommit(leaderTerm: number, index: number): void;
  /** The committed entry at `index`, if it is known and was seen. */
  committedAt(index: number): Entry | undefined;
  /** What the committed entries known so far hold for the state machine, by ascending index. That none is missing is the reader's to check. */
  committed(): Generator<CommittedEntry>;
  /** Who led, by term. */
  readonly leaders: ReadonlyMap<number, number>;
  readonly violations: readonly string[];
}

/** One entry that was seen. There may be hundreds of thousands. */
interface SeenEntry<Kept> {
  readonly kept: Kept;
  readonly type: Entry["type"];
  /** Term of the entry before it: by the log matching property there is only one. */
  readonly previousTerm: number;
}

/** Whoever led so many terms ago has nothing to say any more that others have not said since. */
const rememberedTerms = 16;

/**
 * Watches Raft from outside. An append message names an entry, what stands before it and what is committed, so the committed
 * log can be derived from the messages of its leaders, however often nodes cut theirs. What they say must never be
 * contradicted: one leader per term, one vote per term, one entry per (index, term) with one predecessor, one committed term
 * per index, and nothing in a leader's log but what was committed before its term.
 *
 * @param data Where the data of entries is kept meanwhile.
 */
export function createRaftWitness<Kept>(data: EntryDataStore<Kept>): RaftWitness {
  const leaders = new Map<number, number>();
  const votes = new Map<string, number>();
  /** By term and index: numbers as keys, since strings would weigh as much as the rest of an entry. */
  const seen = new Map<number, Map<number, SeenEntry<Kept>>>();
  const committed = new Map<number, number>();
  /** Committed entries that no message has shown yet. */
  const unseen = new Map<number, number>();
  /** Up to where each term's leader called its log committed. */
  const commitOf = new Map<number, number>();
  /**
   * Terms in the log of each term's leader, as far as its append messages tell and they are not plain: an entry of its own
   * term can stand nowhere else.
   */
  const logs = new Map<number, Map<number, number>>();
  const violations: string[] = [];

  const entryAt = (index: number, term: number) => seen.get(term)?.get(index);

  function sawLeader(term: number, node: number): void {
    const known = leaders.get(term);
    if (known === undefined) {
      leaders.set(term, node);
      for (const old of logs.keys()) if (old <= term - rememberedTerms) logs.delete(old);
    } else if (known !== node)
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
    const { index, term, type } = entry;
    const known = entryAt(index, term);
    if (known === undefined) {
      mapAt(seen, term).set(index, { kept: data.keep(entry.data), type, previousTerm });
      if (unseen.get(index) !== term) return;
      unseen.delete(index);
      sawCommitted(index - 1, previousTerm);
      return;
    }
    if (known.type !== type || !data.isSame(known.kept, entry.data))
      violations.push(`log matching: two entries at index ${index} of term ${term}`);
    if (known.previousTerm !== previousTerm)
      violations.push(
        `log matching: entry ${index} of term ${term} follows terms ${known.previousTerm} and ${previousTerm}`,
      );
  }

  /** The entry at `index` of `term` is committed, and so is all that stands before it. */
  function sawCommitted(index: number, term: number): void {
    let at = index;
    let atTerm = term;
    while (at > 0) {
      const known = committed.get(at);
      if (known === atTerm) return;
      if (known !== undefined) {
        violations.push(`committed entries never change: index ${at} was committed in term ${known}, now ${atTerm}`);
        return;
      }
      committed.set(at, atTerm);
      const entry = entryAt(at, atTerm);
      if (entry === undefined) {
        unseen.set(at, atTerm);
        return;
      }
      at -= 1;
      atTerm = entry.previousTerm;
    }
  }

  function sawCommit(leaderTerm: number, index: number): void {
    const term = entryAt(index, leaderTerm) === undefined ? logs.get(leaderTerm)?.get(index) : leaderTerm;
    if (term === undefined) return;
    commitOf.set(leaderTerm, Math.max(index, commitOf.get(leaderTerm) ?? 0));
    sawCommitted(index, term);
  }

  /** The log of this message's sender, who leads, has an entry of `term` at `index`. */
  function sawPlace({ term: leaderTerm, from }: Message, index: number, term: number): void {
    if (term !== leaderTerm || entryAt(index, term) === undefined) mapAt(logs, leaderTerm).set(index, term);
    const known = committed.get(index);
    if (known === undefined || known === term) return;
    // What was committed in an earlier term stands in the log of every later leader (thesis §3.6.3).
    for (const [inTerm, commit] of commitOf)
      if (inTerm < leaderTerm && index <= commit) {
        violations.push(
          `leader completeness: node-${from} leads term ${leaderTerm} with term ${term} at index ${index}, ` +
            `where term ${known} was committed in term ${inTerm}`,
        );
        return;
      }
  }

  function sawAppend(message: Message): void {
    let term = message.logTerm;
    sawPlace(message, message.index, term);
    for (const entry of message.entries) {
      sawEntry(entry, term);
      term = entry.term;
      sawPlace(message, entry.index, term);
    }
    sawCommit(message.term, Math.min(message.commit, message.index + message.entries.length));
  }

  function committedAt(index: number): Entry | undefined {
    const term = committed.get(index);
    const entry = term === undefined ? undefined : entryAt(index, term);
    if (term === undefined || entry === undefined) return undefined;
    return { index, term, type: entry.type, data: data.read(entry.kept) };
  }

  return {
    violations,
    leaders,
    hear(message) {
      const { type, term, from, to } = message;
      if (type === MessageType.voteResp && !message.reject) sawVote(term, from, to);
      if (type === MessageType.heartbeat || type === MessageType.app) sawLeader(term, from);
      if (type === MessageType.app) sawAppend(message);
      // A heartbeat names no entry, but its sender has said before which one stands there.
      if (type === MessageType.heartbeat) sawCommit(term, message.commit);
    },
    sawEntries(entries, previousTerm) {
      let term = previousTerm;
      for (const entry of entries) {
        sawEntry(entry, term);
        term = entry.term;
      }
    },
    sawCommit,
    committedAt,
    *committed() {
      for (const index of Float64Array.from(committed.keys()).sort()) {
        const entry = committedAt(index);
        if (entry === undefined) continue;
        // Membership entries hold nothing for the state machine, and keep their index.
        const { term, type } = entry;
        yield { index, term, data: type === EntryType.normal ? entry.data : new Uint8Array(0) };
      }
    },
  };
}

/** The inner map of `key`, made when it is first asked for. */
function mapAt<Value>(maps: Map<number, Map<number, Value>>, key: number): Map<number, Value> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}
