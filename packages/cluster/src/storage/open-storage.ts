import type { HardState } from "@quorumguard/raft";
import { atLeast, DiskStorage, type Opened } from "./disk-storage.ts";
import type { FileSystem } from "./file-system.ts";
import { readIdentity } from "./identity-file.ts";
import { sectorBytes } from "./log-frame.ts";
import { logFolder, type RecoveredLog, recoverLog, spareSuffix, zeroRange } from "./log-recovery.ts";
import { type LogPosition, LogView } from "./log-view.ts";
import { resolveSegmentBytes } from "./log-writer.ts";
import { MetaSlots } from "./meta-slots.ts";
import { SnapshotStore, snapshotFolder } from "./snapshot-store.ts";
import type { Identity, Recovery, SnapshotMeta, Storage, StorageOptions } from "./storage.ts";
import { rejoinAdvice, StorageError } from "./storage-error.ts";

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
    return new DiskStorage(files, options, { droppedLastFrame: false, droppedAt: null, empty: true }, null);
  }
  const meta = await MetaSlots.open(files);
  try {
    const log = await recoverLog(files, identity, meta.current);
    try {
      const opened = await finishRecovery(files, identity, meta, log);
      const { droppedLastFrame } = meta.current;
      return new DiskStorage(files, options, { droppedLastFrame, droppedAt: droppedAt(log), empty: false }, opened);
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
      throw new StorageError("identity", null, `the file is missing, yet ${path} holds a log; ${rejoinAdvice}`);
    }
    await files.remove(path);
  }
  const [snapshot] = await files.list(snapshotFolder);
  if (snapshot !== undefined) {
    throw new StorageError(
      "identity",
      null,
      `the file is missing, yet ${snapshotFolder}/${snapshot} is there; ${rejoinAdvice}`,
    );
  }
  await files.makeFolder(logFolder);
  await files.makeFolder(snapshotFolder);
  await files.flushFolder(logFolder);
  await files.flushFolder("");
}

async function finishRecovery(
  files: FileSystem,
  identity: Identity,
  meta: MetaSlots,
  log: RecoveredLog,
): Promise<Opened> {
  const snapshots = new SnapshotStore(files, identity.clusterId);
  await snapshots.recover(log.reset);
  const snapshot = snapshots.current;
  const view = joinLog(log, snapshot);
  const hardState = snapshot === null ? log.hardState : atLeast(log.hardState, snapshot);
  assertCommitted(hardState, view, log);
  await flushRecovered(files, meta, log);
  return { identity, meta, log, view, snapshots, hardState };
}

/** The entries that continue the snapshot. */
function joinLog(log: RecoveredLog, snapshot: SnapshotMeta | null): LogView {
  const origin: LogPosition = snapshot ?? { index: 0, term: 0 };
  const first = log.entries[0];
  if (first === undefined) return new LogView(origin, [], origin.index);
  if (first.index > origin.index + 1) {
    const missing = `entries ${origin.index + 1} to ${first.index - 1} are missing`;
    throw new StorageError(log.segments[0]?.path ?? logFolder, null, `${missing} from the log; ${rejoinAdvice}`);
  }
  if (first.index === origin.index + 1) return new LogView(origin, log.entries, origin.index);
  const covered = log.entries[origin.index - first.index];
  // A log that ends before the snapshot, or differs from it there, was overtaken by it.
  if (covered === undefined || covered.term !== origin.term) return new LogView(origin, [], origin.index);
  return new LogView({ index: first.index, term: first.term }, log.entries.slice(1), origin.index);
}

function assertCommitted(hardState: HardState, view: LogView, log: RecoveredLog): void {
  if (hardState.commit <= view.lastIndex) return;
  const problem = `entries up to ${hardState.commit} were committed and the log ends at ${view.lastIndex}; ${rejoinAdvice}`;
  throw new StorageError(log.segments.at(-1)?.path ?? logFolder, log.appendOffset, problem);
}

/** What lies behind the last whole frame and is not zero was a frame that its writer did not finish. */
function droppedAt({ segments, appendOffset, garbageEnd }: RecoveredLog): Recovery["droppedAt"] {
  if (garbageEnd <= appendOffset) return null;
  return { file: segments.at(-1)?.path ?? logFolder, offset: appendOffset, bytes: garbageEnd - appendOffset };
}

/** SEMANTICS N1 and N2: first the note that a frame was dropped, then its removal; nothing read stays volatile. */
async function flushRecovered(files: FileSystem, meta: MetaSlots, log: RecoveredLog): Promise<void> {
  if (log.garbageEnd > log.appendOffset) {
    await meta.writeTwice({ droppedLastFrame: true });
    await zeroRange(log.active, log.appendOffset, log.garbageEnd);
  }
  await log.active.flush();
  for (const name of await files.list(logFolder)) {
    if (name.endsWith(spareSuffix)) await files.remove(`${logFolder}/${name}`);
  }
  await files.flushFolder(logFolder);
  await files.flushFolder("");
  await meta.write({ durableSequence: log.lastSequence });
}
