import { noEntries } from "../message.ts";
import type { Entry, Message } from "../types.ts";
import { maybeAutoLeave } from "./membership.ts";
import type { RaftCore } from "./raft-core.ts";
import { releaseUncommitted } from "./replication.ts";

/** Storage flushed what one append message gave it. */
export function finishAppend(core: RaftCore, message: Message): void {
  if (message.index !== 0) core.log.unstable.stableTo(message.index, message.logTerm);
  if (message.snapshot !== null) finishSnapshot(core, message.snapshot.index);
}

/** The state machine was replaced by the snapshot at `index`. */
export function finishSnapshot(core: RaftCore, index: number): void {
  core.log.unstable.stableSnapshotTo(index);
  markApplied(core, index, noEntries);
}

/** Records that the state machine applied `entries`, which frees their room. */
export function finishApply(core: RaftCore, entries: readonly Entry[]): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  markApplied(core, last.index, entries);
  releaseUncommitted(core, entries);
}

/** A snapshot may have overtaken the report. */
function markApplied(core: RaftCore, index: number, entries: readonly Entry[]): void {
  core.log.appliedTo(Math.max(index, core.log.applied), entries);
  maybeAutoLeave(core);
}
