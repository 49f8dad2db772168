import { createMessage, type MutableMessage, noMessages } from "../message.ts";
import {
  appendThread,
  applyThread,
  type Entry,
  type HardState,
  type Message,
  MessageType,
  type ReadState,
  type Ready,
  type Snapshot,
  type SoftState,
} from "../types.ts";
import type { RaftCore } from "./raft-core.ts";
import { beginReadRound, canBeginReadRound } from "./read-only.ts";

const noReadStates: readonly ReadState[] = Object.freeze([]);

/** Turns what happened in the core since the last time into work for its owner, and remembers what was handed out. */
export class ReadyTaker {
  readonly #core: RaftCore;
  #soft: SoftState;
  #hard: HardState;
  #stepsOnAdvance: Message[] = [];

  constructor(core: RaftCore) {
    this.#core = core;
    this.#soft = { leader: core.leader, state: core.state };
    this.#hard = { term: core.term, vote: core.vote, commit: core.log.committed };
  }

  hasReady(): boolean {
    const { log, messages, messagesAfterAppend, readStates, options } = this.#core;
    return (
      messages.length > 0 ||
      messagesAfterAppend.length > 0 ||
      readStates.length > 0 ||
      this.#softChanged() ||
      this.#hardChanged() ||
      log.unstable.hasNextEntries() ||
      log.unstable.nextSnapshot() !== null ||
      log.hasNextCommittedEntries(!options.asyncStorageWrites) ||
      canBeginReadRound(this.#core)
    );
  }

  take(): Ready {
    const core = this.#core;
    const { log, options } = core;
    // All reads of this turn share one round of heartbeats.
    beginReadRound(core);
    const allowUnstable = !options.asyncStorageWrites;
    const mustSync = log.unstable.hasNextEntries() || this.#hard.term !== core.term || this.#hard.vote !== core.vote;
    const ready: Ready = {
      softState: this.#takeSoft(),
      hardState: this.#takeHard(),
      readStates: this.#takeReadStates(),
      entries: log.unstable.nextEntries(),
      snapshot: log.unstable.nextSnapshot(),
      committedEntries: log.nextCommittedEntries(allowUnstable),
      messages: core.messages,
      mustSync,
    };
    core.messages = [];
    if (options.asyncStorageWrites)
      this.#addStorageMessages(ready, core.messagesAfterAppend, ready.messages as Message[]);
    else this.#prepareAdvance(ready, ready.messages as Message[]);
    if (core.messagesAfterAppend.length > 0) core.messagesAfterAppend = [];
    log.unstable.acceptInProgress();
    log.acceptApplying(ready.committedEntries, allowUnstable);
    return ready;
  }

  /** Synchronous mode: everything of the last `take` was done. */
  takeSteps(): readonly Message[] {
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    return steps;
  }

  #addStorageMessages(ready: Ready, responses: readonly Message[], messages: Message[]): void {
    const { entries, hardState, snapshot, committedEntries } = ready;
    if (entries.length > 0 || hardState !== null || snapshot !== null || responses.length > 0) {
      messages.push(this.#appendMessage(entries, hardState, snapshot, responses));
    }
    if (committedEntries.length > 0) {
      const apply = createMessage(MessageType.storageApply, applyThread);
      apply.from = this.#core.id;
      apply.entries = committedEntries;
      apply.responses = [this.#applyReport(committedEntries)];
      messages.push(apply);
    }
  }

  #appendMessage(
    entries: readonly Entry[],
    hardState: HardState | null,
    snapshot: Snapshot | null,
    responses: readonly Message[],
  ): Message {
    const append = createMessage(MessageType.storageAppend, appendThread);
    append.from = this.#core.id;
    append.entries = entries;
    append.snapshot = snapshot;
    if (hardState !== null) {
      append.term = hardState.term;
      append.vote = hardState.vote;
      append.commit = hardState.commit;
    }
    const report = this.#appendReport(snapshot);
    append.responses = report === null ? responses : [...responses, report];
    if (append.responses.length === 0) append.responses = noMessages;
    return append;
  }

  #prepareAdvance(ready: Ready, messages: Message[]): void {
    const { id, messagesAfterAppend } = this.#core;
    const steps = this.#stepsOnAdvance;
    for (const message of messagesAfterAppend) (message.to === id ? steps : messages).push(message);
    const report = this.#appendReport(ready.snapshot);
    if (report !== null) steps.push(report);
    if (ready.committedEntries.length > 0) steps.push(this.#applyReport(ready.committedEntries));
  }

  /**
   * What storage tells the core once all writes so far are durable. It names the last entry and its term, and carries the
   * current term, so that a report that was overtaken by a change of leader is recognized.
   */
  #appendReport(snapshot: Snapshot | null): Message | null {
    const { log, id, term } = this.#core;
    const hasUnstable = log.unstable.length > 0;
    if (!hasUnstable && snapshot === null) return null;
    const report: MutableMessage = createMessage(MessageType.storageAppendResp, id);
    report.from = appendThread;
    report.term = term;
    report.snapshot = snapshot;
    if (hasUnstable) {
      report.index = log.lastIndex();
      report.logTerm = log.lastTerm();
    }
    return report;
  }

  #applyReport(entries: readonly Entry[]): Message {
    const report = createMessage(MessageType.storageApplyResp, this.#core.id);
    report.from = applyThread;
    report.entries = entries;
    return report;
  }

  #softChanged(): boolean {
    return this.#soft.leader !== this.#core.leader || this.#soft.state !== this.#core.state;
  }

  #takeSoft(): SoftState | null {
    if (!this.#softChanged()) return null;
    this.#soft = { leader: this.#core.leader, state: this.#core.state };
    return this.#soft;
  }

  #hardChanged(): boolean {
    const { term, vote, log } = this.#core;
    return this.#hard.commit !== log.committed || this.#hard.term !== term || this.#hard.vote !== vote;
  }

  #takeHard(): HardState | null {
    if (!this.#hardChanged()) return null;
    const { term, vote, log } = this.#core;
    this.#hard = { term, vote, commit: log.committed };
    return this.#hard;
  }

  #takeReadStates(): readonly ReadState[] {
    const { readStates } = this.#core;
    if (readStates.length === 0) return noReadStates;
    this.#core.readStates = [];
    return readStates;
  }
}
