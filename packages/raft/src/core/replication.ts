import { assert } from "../assert.ts";
import { dataBytes } from "../log/entries.ts";
import { createMessage, noEntries } from "../message.ts";
import type { Progress } from "../tracker/progress.ts";
import { type Entry, type EntryType, MessageType } from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { encodeRound } from "./read-queue.ts";

/** An entry before its leader has given it a place. */
export interface EntryDraft {
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/**
 * A leader appends to its own log. It acknowledges to itself only when storage reports the flush, like any follower: an entry
 * that is not durable here does not count towards its quorum (thesis §10.2.1).
 * @returns false if too much is uncommitted already; then nothing is appended.
 */
export function appendAsLeader(core: RaftCore, drafts: readonly EntryDraft[]): boolean {
  const { log, term } = core;
  let index = log.lastIndex();
  const entries: Entry[] = [];
  for (const { type, data } of drafts) entries.push({ term, index: ++index, type, data });
  const bytes = dataBytes(entries);
  // Empty entries are the leader's own (its first, and the end of a joint configuration): they always fit.
  const { uncommittedBytes } = core;
  if (uncommittedBytes > 0 && bytes > 0 && uncommittedBytes + bytes > core.options.maxUncommittedBytes) return false;
  core.uncommittedBytes += bytes;
  const acknowledgement = createMessage(MessageType.appResp, core.id);
  acknowledgement.index = log.append(entries);
  core.send(acknowledgement);
  return true;
}

/** Advances the commit index to what a quorum holds. @returns whether it moved. */
export function maybeCommit(core: RaftCore): boolean {
  return core.log.maybeCommit(core.tracker.committedIndex(), core.term);
}

/** Whether this leader has committed an entry of its own term: before that it does not know what is committed. */
export function hasCommittedInTerm(core: RaftCore): boolean {
  return core.log.matches(core.log.committed, core.term);
}

/** Sends every member what it lacks, or at least the commit index. */
export function broadcastAppend(core: RaftCore): void {
  for (const progress of core.tracker.members) {
    if (progress.id !== core.id) maybeSendAppend(core, progress, true);
  }
}

/**
 * Sends the next entries to a member that may be sent to; a snapshot if the entries it needs are gone.
 * @returns whether anything was sent. With `sendIfEmpty` false, an append without entries is not.
 */
export function maybeSendAppend(core: RaftCore, progress: Progress, sendIfEmpty: boolean): boolean {
  if (progress.paused) return false;
  const { log } = core;
  const previousIndex = progress.next - 1;
  const previousTerm = log.term(previousIndex);
  if (typeof previousTerm !== "number") return sendSnapshot(core, progress);
  // With a full window only an empty append may go: if everything in flight was lost, its rejection reopens the stream.
  const windowFull = progress.state === "replicate" && progress.inflights.full;
  const entries = windowFull ? noEntries : log.entriesFrom(progress.next, core.options.maxBytesPerMessage);
  if (entries === "compacted") return sendSnapshot(core, progress);
  if (entries.length === 0 && !sendIfEmpty) return false;
  const message = createMessage(MessageType.app, progress.id);
  message.index = previousIndex;
  message.logTerm = previousTerm;
  message.entries = entries;
  message.commit = log.committed;
  core.send(message);
  progress.sentEntries(entries.length, dataBytes(entries));
  progress.sentCommit(log.committed);
  return true;
}

/** A snapshot is sent only to a member that was heard from: it is big, and a dead one would hold it up. */
function sendSnapshot(core: RaftCore, progress: Progress): boolean {
  if (!progress.recentActive) {
    core.options.trace?.(`${core.id} sends no snapshot to ${progress.id}, which is not active`);
    return false;
  }
  const snapshot = core.log.snapshot();
  if (snapshot === "unavailable" || snapshot.index === 0) return false;
  core.options.trace?.(`${core.id} sends the snapshot at ${snapshot.index} to ${progress.id}`);
  progress.becomeSnapshot(snapshot.index);
  const message = createMessage(MessageType.snap, progress.id);
  message.snapshot = snapshot;
  core.send(message);
  return true;
}

/** Heartbeats to all; while reads wait, they carry the newest round, which confirms the older ones too. */
export function broadcastHeartbeat(core: RaftCore): void {
  const { tracker, reads } = core;
  const context = reads.hasOpenRound ? encodeRound(reads.lastRound) : null;
  for (const progress of tracker.members) {
    if (progress.id === core.id) continue;
    const message = createMessage(MessageType.heartbeat, progress.id);
    // A member may lack entries that are committed: it learns no more than what it is known to hold.
    message.commit = Math.min(progress.match, core.log.committed);
    message.context = context;
    core.send(message);
    progress.sentCommit(message.commit);
  }
}

/** Drops from the account what was applied. It may know less than what is applied: an older leader appended the rest. */
export function releaseUncommitted(core: RaftCore, entries: readonly Entry[]): void {
  assert(core.uncommittedBytes >= 0, "uncommitted bytes below zero");
  core.uncommittedBytes = Math.max(0, core.uncommittedBytes - dataBytes(entries));
}
