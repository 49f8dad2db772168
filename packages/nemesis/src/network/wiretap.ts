import { crc32 } from "node:zlib";
import type { CommittedEntry } from "@quorumguard/audit";
import {
  decodeEnvelope,
  decodePreface,
  type Entry,
  EntryType,
  FrameKind,
  FrameReader,
  type Message,
  MessageType,
  Purpose,
} from "../production.ts";
import { EntryFile, type EntryPlace } from "./entry-file.ts";
import type { ConnectionTap } from "./link-proxy.ts";

/** What the bytes between nodes alone prove about the cluster's log, and what they prove broken. */
export interface Wiretap {
  /** Hears one new connection that `from` dialled to `to`. */
  connection(from: number, to: number): ConnectionTap;
  /** The committed entries known so far, by ascending index. They must be without a gap, which is the reader's to check. */
  committed(): Generator<CommittedEntry>;
  /** Highest index that is known to be committed. */
  readonly commitIndex: number;
  /** Terms in which somebody led. */
  readonly leaders: ReadonlyMap<number, number>;
  /** Connections that carried a snapshot. */
  readonly snapshots: number;
  readonly violations: readonly string[];
  close(): void;
}

interface SeenEntry {
  readonly place: EntryPlace;
  readonly checksum: number;
  readonly type: number;
  /** Term of the entry before it: by the log matching property there is only one. */
  readonly previousTerm: number;
}

const maxFrameBytes = 64 << 20;

/**
 * Listens to Raft from outside, on the links between real nodes. An append message names an entry, what stands before it
 * and what is committed, so the committed log can be derived from the messages of its leaders, however often nodes cut
 * theirs. What the messages say must never be contradicted: one leader per term, one vote per term, one entry per (index,
 * term) with one predecessor, one committed term per index.
 *
 * @param file Where the data of entries is kept meanwhile.
 */
export function createWiretap(file: string): Wiretap {
  const data = new EntryFile(file);
  const leaders = new Map<number, number>();
  const votes = new Map<string, number>();
  const seen = new Map<string, SeenEntry>();
  const committed = new Map<number, number>();
  /** Committed entries that no message has shown yet. */
  const unseen = new Map<number, number>();
  const violations: string[] = [];
  /** Terms in the log of each term's leader, as far as its append messages tell. */
  let logs = new Map<number, Map<number, number>>();
  let commitIndex = 0;
  let snapshots = 0;

  const keyOf = (index: number, term: number) => `${index}/${term}`;

  function sawLeader(term: number, node: number): void {
    const known = leaders.get(term);
    if (known === undefined) {
      leaders.set(term, node);
      // What leaders of long ago wrote is known by now.
      logs = new Map([...logs].filter(([old]) => old > term - 16));
    } else if (known !== node) violations.push(`election safety: nodes ${known} and ${node} both lead in term ${term}`);
  }

  function sawVote(term: number, voter: number, candidate: number): void {
    const key = `${term}/${voter}`;
    const known = votes.get(key);
    if (known === undefined) votes.set(key, candidate);
    else if (known !== candidate)
      violations.push(`one vote per term: node ${voter} votes for ${known} and ${candidate} in term ${term}`);
  }

  function sawEntry(entry: Entry, previousTerm: number): void {
    const key = keyOf(entry.index, entry.term);
    const checksum = crc32(entry.data);
    const known = seen.get(key);
    if (known === undefined) {
      seen.set(key, { place: data.append(entry.data), checksum, type: entry.type, previousTerm });
      if (unseen.get(entry.index) === entry.term) {
        unseen.delete(entry.index);
        sawCommit(entry.index - 1, previousTerm);
      }
      return;
    }
    if (known.type !== entry.type || known.checksum !== checksum || known.place.length !== entry.data.length)
      violations.push(`log matching: two entries at index ${entry.index} of term ${entry.term}`);
    if (known.previousTerm !== previousTerm)
      violations.push(
        `log matching: entry ${entry.index} of term ${entry.term} follows terms ${known.previousTerm} and ${previousTerm}`,
      );
  }

  /** The entry at `index` of `term` is committed, and so is all that stands before it. */
  function sawCommit(index: number, term: number): void {
    commitIndex = Math.max(commitIndex, index);
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
      const entry = seen.get(keyOf(at, atTerm));
      if (entry === undefined) {
        unseen.set(at, atTerm);
        return;
      }
      at -= 1;
      atTerm = entry.previousTerm;
    }
  }

  function sawAppend(message: Message): void {
    const log = logs.get(message.term) ?? new Map<number, number>();
    logs.set(message.term, log);
    let term = message.logTerm;
    log.set(message.index, term);
    for (const entry of message.entries) {
      sawEntry(entry, term);
      term = entry.term;
      log.set(entry.index, term);
    }
    sawCommitOf(message.term, Math.min(message.commit, message.index + message.entries.length));
  }

  function sawCommitOf(leaderTerm: number, index: number): void {
    const log = logs.get(leaderTerm);
    const term = log?.get(index);
    if (term !== undefined) sawCommit(index, term);
  }

  function frame(from: number, to: number, bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes[0] !== FrameKind.envelope) return;
    for (const message of decodeEnvelope(bytes, from, to).messages) {
      if (message.type === MessageType.voteResp && !message.reject) sawVote(message.term, from, to);
      if (message.type === MessageType.heartbeat || message.type === MessageType.app) sawLeader(message.term, from);
      if (message.type === MessageType.app) sawAppend(message);
      // A heartbeat names no entry, but its sender has said before which one stands there.
      if (message.type === MessageType.heartbeat) sawCommitOf(message.term, message.commit);
    }
  }

  return {
    violations,
    leaders,
    get commitIndex() {
      return commitIndex;
    },
    get snapshots() {
      return snapshots;
    },
    connection(from, to) {
      const reader = new FrameReader(maxFrameBytes);
      let purpose: number | null = null;
      let deaf = false;
      return (chunk) => {
        if (deaf) return;
        try {
          reader.push(chunk, (bytes) => {
            if (purpose !== null) frame(from, to, bytes);
            else {
              purpose = decodePreface(bytes)?.purpose ?? null;
              deaf = purpose !== Purpose.messages;
              if (purpose === Purpose.snapshot) snapshots += 1;
            }
            return !deaf;
          });
        } catch (error) {
          deaf = true;
          violations.push(`node ${from} sends node ${to} what is no frame: ${String(error)}`);
        }
      };
    },
    *committed() {
      const last = [...committed.keys()].reduce((highest, index) => Math.max(highest, index), 0);
      for (let index = 1; index <= last; index++) {
        const term = committed.get(index);
        const entry = term === undefined ? undefined : seen.get(keyOf(index, term));
        if (term === undefined || entry === undefined) continue;
        // Membership entries and those that open a term hold nothing for the limiter.
        const empty = entry.type !== EntryType.normal;
        yield { index, term, data: empty ? new Uint8Array(0) : data.read(entry.place) };
      }
    },
    close: () => data.close(),
  };
}
