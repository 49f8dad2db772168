import type { Entry, HardState } from "@quorumguard/raft";
import type { FileSystem } from "./file-system.ts";
import { joinLog } from "./join-log.ts";
import { logFolder, type SalvagedLog, salvageLog } from "./log-recovery.ts";
import { LogView } from "./log-view.ts";
import { createRepairedLog } from "./log-writer.ts";
import { emptyMeta, MetaSlots, readMeta } from "./meta-slots.ts";
import { freeName } from "./set-aside.ts";
import { SnapshotStore, snapshotFolder } from "./snapshot-store.ts";
import type { Damage, Identity, SnapshotMeta, StorageOptions } from "./storage.ts";
import { StorageError } from "./storage-error.ts";

/**
 * Makes a folder sound whose acknowledged data is damaged, and leaves a note of it that lasts until the cluster has made up
 * for it. What is provable stays: the longest prefix of the log before the first damage, the newest snapshot that is
 * sound to its last byte, and the term and vote of the newest intact frame.
 *
 * A crash at any moment leaves a folder that is either damaged as before, with at least the note, or repaired: the new log is
 * a segment of a higher sequence, and the one write that switches to it is META saying that the log begins there.
 */
export async function repairFolder(
  files: FileSystem,
  identity: Identity,
  options: StorageOptions,
  cause: StorageError,
): Promise<void> {
  // The folders themselves may be gone.
  for (const folder of [logFolder, snapshotFolder]) await files.makeFolder(folder);
  await files.flushFolder("");
  const meta = await openMeta(files, { file: cause.file, offset: cause.offset, problem: cause.problem });
  try {
    const known = meta.current;
    const log = await salvageLog(files, identity, known);
    const snapshots = new SnapshotStore(files, identity.clusterId);
    await snapshots.salvage(log.reset, known.snapshotIndex);
    const { hardState, entries } = leftOf(log, snapshots.current);
    const firstSequence = Math.max(log.highestSequence, known.durableSequence, known.firstSequence) + 1;
    const repaired = await createRepairedLog(files, identity, options, { firstSequence, hardState, entries });
    await repaired.active.close();
    await meta.writeTwice({
      firstSequence,
      durableSequence: repaired.lastSequence,
      droppedLastFrame: true,
      snapshotIndex: snapshots.current?.index ?? 0,
    });
  } finally {
    await meta.close();
  }
}

/** META with the note of the damage in it, durably, before anything else changes. A META that is damaged itself is replaced. */
async function openMeta(files: FileSystem, damaged: Damage): Promise<MetaSlots> {
  const note = { damaged, droppedLastFrame: true };
  try {
    await readMeta(files);
  } catch (error) {
    if (!(error instanceof StorageError && error.isDamage)) throw error;
    if (error.offset !== null) await files.rename("meta", await freeName(files, "", "meta"));
    return MetaSlots.create(files, { ...emptyMeta, ...note });
  }
  const meta = await MetaSlots.open(files);
  await meta.writeTwice(note);
  return meta;
}

/** What of the log continues the snapshot without a gap; nothing of it may be called committed that is not there. */
function leftOf(
  log: SalvagedLog,
  snapshot: SnapshotMeta | null,
): { readonly hardState: HardState; readonly entries: readonly Entry[] } {
  const view = joined(log, snapshot);
  const found = view.entries(view.firstIndex, view.lastIndex + 1, Number.POSITIVE_INFINITY);
  const entries = typeof found === "string" ? [] : found;
  const commit = Math.min(log.hardState.commit, view.lastIndex);
  return { entries, hardState: { ...log.hardState, commit } };
}

function joined(log: SalvagedLog, snapshot: SnapshotMeta | null): LogView {
  try {
    return joinLog(log, snapshot);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const origin = snapshot ?? { index: 0, term: 0 };
    return new LogView(origin, [], origin.index);
  }
}
