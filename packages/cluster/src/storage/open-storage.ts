import type { HardState } from "@quorumguard/raft";
import { atLeast, DiskStorage, type Opened } from "./disk-storage.ts";
import type { FileSystem } from "./file-system.ts";
import { readIdentity } from "./identity-file.ts";
import { joinLog } from "./join-log.ts";
import { encodeFrame, sectorBytes, segmentSeed } from "./log-frame.ts";
import { listSegments, logFolder, type RecoveredLog, recoverLog, spareSuffix, zeroRange } from "./log-recovery.ts";
import type { LogView } from "./log-view.ts";
import { type LogStart, resolveSegmentBytes } from "./log-writer.ts";
import { type Meta, MetaSlots, readMeta } from "./meta-slots.ts";
import { repairFolder } from "./repair-folder.ts";
import { freeName } from "./set-aside.ts";
import { SnapshotStore, snapshotFolder } from "./snapshot-store.ts";
import type { Identity, Recovery, Storage, StorageOptions } from "./storage.ts";
import { damage, identityAdvice, StorageError } from "./storage-error.ts";
import { latestTerm } from "./term-bound.ts";

/**
 * Recovers a data folder, or prepares an empty one. Everything that was read is durable when this resolves (SEMANTICS
 * N1): an entry found in the page cache of a machine that loses power a moment later was never acknowledged twice.
 *
 * @throws {StorageError} naming file and offset if acknowledged data is damaged or missing, or belongs to another node.
 * @throws {RangeError} if an option is out of bounds.
 */
export async function openStorage(files: FileSystem, options: StorageOptions): Promise<Storage> {
  resolveSegmentBytes(options.segmentBytes);
  const identity = await readIdentity(files);
  if (identity === null) {
    await prepareEmpty(files);
    const recovery = { droppedLastFrame: false, droppedAt: null, damaged: null, latestTerm: 0, empty: true };
    return new DiskStorage(files, options, recovery, null);
  }
  try {
    const storage = await openSound(files, options, identity);
    if (options.repair === true) await checkImage(storage);
    return storage;
  } catch (error) {
    if (options.repair !== true || !(error instanceof StorageError && error.isDamage)) throw error;
    await repairFolder(files, identity, options, error);
    return openSound(files, options, identity);
  }
}

/** Reads the newest snapshot to its last byte: an opening looks at its head alone, and whoever restores it would then stop. */
async function checkImage(storage: Storage): Promise<void> {
  try {
    const reader = await storage.openSnapshot();
    if (reader === null) return;
    try {
      for await (const _ of reader.pieces());
    } finally {
      await reader.close();
    }
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function openSound(files: FileSystem, options: StorageOptions, identity: Identity): Promise<Storage> {
  const meta = await MetaSlots.open(files);
  try {
    const log = await recoverLog(files, identity, meta.current);
    try {
      const dropped = droppedAt(log);
      const opened = await finishRecovery(files, identity, meta, log);
      const { damaged, droppedLastFrame, termBound } = meta.current;
      const recovery: Recovery = {
        droppedLastFrame: droppedLastFrame || damaged !== null,
        droppedAt: dropped,
        damaged,
        latestTerm: latestTerm(termBound, opened.hardState.term),
        empty: false,
      };
      return new DiskStorage(files, options, recovery, opened);
    } catch (error) {
      await log.active.close();
      throw error;
    }
  } catch (error) {
    await meta.close();
    throw error;
  }
}

/** Folders for a node to be. What a set-up that was cut short left is removed, unless it holds data. */
async function prepareEmpty(files: FileSystem): Promise<void> {
  for (const name of await files.list(logFolder)) {
    const path = `${logFolder}/${name}`;
    const handle = await files.open(path, { create: false });
    const size = await handle.size();
    const used = size > sectorBytes ? await handle.read(sectorBytes, sectorBytes) : new Uint8Array(0);
    await handle.close();
    if (used.some((byte) => byte !== 0)) {
      throw new StorageError("identity", null, `the file is missing, yet ${path} holds a log; ${identityAdvice}`);
    }
    await files.remove(path);
  }
  const [snapshot] = await files.list(snapshotFolder);
  if (snapshot !== undefined) {
    throw new StorageError(
      "identity",
      null,
      `the file is missing, yet ${snapshotFolder}/${snapshot} is there; ${identityAdvice}`,
    );
  }
  await assertUnused(files);
  await files.makeFolder(logFolder);
  await files.makeFolder(snapshotFolder);
  await files.flushFolder("");
}

/** A folder whose META speaks of a log has lost that log. One that nobody can read was cut short while it was made. */
async function assertUnused(files: FileSystem): Promise<void> {
  const found = await readMeta(files).catch((error: unknown) => {
    if (error instanceof StorageError && error.isDamage) return null;
    throw error;
  });
  const { durableSequence = 0, snapshotIndex = 0, droppedLastFrame = false } = found?.meta ?? {};
  if (durableSequence === 0 && snapshotIndex === 0 && !droppedLastFrame) return;
  throw new StorageError("identity", null, `the file is missing, yet meta speaks of a log; ${identityAdvice}`);
}

async function finishRecovery(
  files: FileSystem,
  identity: Identity,
  meta: MetaSlots,
  log: RecoveredLog,
): Promise<Opened> {
  const snapshots = new SnapshotStore(files, identity.clusterId);
  await snapshots.recover(log.reset, meta.current.snapshotIndex);
  const snapshot = snapshots.current;
  const view = joinLog(log, snapshot);
  const hardState = snapshot === null ? log.hardState : atLeast(log.hardState, snapshot);
  assertCommitted(hardState, view, log);
  return { identity, meta, log: await flushRecovered(files, meta, log), view, snapshots, hardState };
}

function assertCommitted(hardState: HardState, view: LogView, log: RecoveredLog): void {
  if (hardState.commit <= view.lastIndex) return;
  const problem = `entries up to ${hardState.commit} were committed and the log ends at ${view.lastIndex}`;
  throw damage(log.segments.at(-1)?.path ?? logFolder, log.appendOffset, problem);
}

/** What lies behind the last whole frame and is not zero was a frame that its writer did not finish. */
function droppedAt({ segments, appendOffset, garbageEnd }: RecoveredLog): Recovery["droppedAt"] {
  if (garbageEnd <= appendOffset) return null;
  return { file: segments.at(-1)?.path ?? logFolder, offset: appendOffset, bytes: garbageEnd - appendOffset };
}

/**
 * SEMANTICS N1 and N2: first the note that a frame was dropped, then a frame of our own in its place that says so too;
 * nothing that was read stays volatile.
 */
async function flushRecovered(files: FileSystem, meta: MetaSlots, log: RecoveredLog): Promise<LogStart> {
  if (log.garbageEnd > log.appendOffset) await meta.writeTwice({ droppedLastFrame: true });
  else if (log.abstains && !meta.current.droppedLastFrame && meta.current.damaged === null) {
    // Settled after the log was, or an old META was put back: of the two, only the careful answer is safe.
    await meta.writeTwice({ droppedLastFrame: true });
  }
  if (log.garbageEnd > log.appendOffset) await zeroRange(log.active, log.appendOffset, log.garbageEnd);
  await rewriteLastFrame(log);
  await log.active.flush();
  const start = await sayAbstains(meta, log);
  await tidy(files, meta.current);
  await meta.write({ durableSequence: start.lastSequence });
  return start;
}

/**
 * A flush that failed leaves pages that only look written: flushing them again succeeds and does nothing. Only the last frame can
 * be in that state, since the one after it waits for its flush; written once more, it is flushed for sure.
 */
async function rewriteLastFrame({ active, lastFrameAt, appendOffset }: RecoveredLog): Promise<void> {
  if (lastFrameAt === null) return;
  await active.write(lastFrameAt, [await active.read(lastFrameAt, appendOffset - lastFrameAt)]);
}

/** The log itself says that the node abstains, should META be lost or put back. */
async function sayAbstains(meta: MetaSlots, log: RecoveredLog): Promise<LogStart> {
  const { droppedLastFrame, damaged } = meta.current;
  const abstains = droppedLastFrame || damaged !== null;
  const segment = log.segments.at(-1);
  if (!abstains || log.abstains || segment === undefined) return { ...log, abstains };
  const { hardState } = log;
  const lastSequence = log.lastSequence + 1;
  const frame = encodeFrame(
    { hardState, entries: [], reset: null, abstains },
    lastSequence,
    segmentSeed(segment.segmentId),
  );
  await log.active.write(log.appendOffset, [frame]);
  await log.active.flush();
  const appendOffset = log.appendOffset + frame.length;
  return { ...log, abstains, lastSequence, appendOffset, activeBytes: Math.max(log.activeBytes, appendOffset) };
}

/** Removes what was being prepared and what the log had done with; what a repair left behind is set aside. */
async function tidy(files: FileSystem, { firstSequence, damaged }: Meta): Promise<void> {
  for (const name of await files.list(logFolder)) {
    if (name.endsWith(spareSuffix)) await files.remove(`${logFolder}/${name}`);
  }
  const { outdated } = await listSegments(files, { firstSequence });
  for (const { path } of outdated) {
    if (damaged === null) await files.remove(path);
    else await files.rename(path, await freeName(files, logFolder, path.slice(logFolder.length + 1)));
  }
  await files.flushFolder(logFolder);
  await files.flushFolder("");
}
