import type { Entry, HardState } from "@quorumguard/raft";
import type { FileSystem } from "./file-system.ts";
import { readIdentity } from "./identity-file.ts";
import { joinLog } from "./join-log.ts";
import { decodeSegmentHeader, segmentSeed } from "./log-frame.ts";
import { intactFrames, listSegments, readFile, type SalvagedLog, salvageLog } from "./log-recovery.ts";
import type { LogView } from "./log-view.ts";
import { emptyMeta, type Meta, readMeta } from "./meta-slots.ts";
import { damagedSuffix } from "./set-aside.ts";
import { readPieces, readSnapshotHeader } from "./snapshot-file.ts";
import { snapshotFolder } from "./snapshot-store.ts";
import type { Damage, Identity, SnapshotMeta } from "./storage.ts";
import { damage, identityAdvice, StorageError } from "./storage-error.ts";

/** A segment file, frame by frame. */
export interface SegmentReport {
  readonly file: string;
  readonly bytes: number;
  /** Intact frames. */
  readonly frames: number;
  readonly firstSequence: number;
  /** Indexes of the entries in its frames; 0: it has none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** A snapshot file, read to its last byte. */
export interface SnapshotReport {
  readonly file: string;
  readonly bytes: number;
  readonly index: number;
  readonly term: number;
  readonly pieces: number;
  /** What is wrong with it; null if all its checks hold. */
  readonly problem: string | null;
  /** The log continues it. Others were overtaken, and are removed at the next start. */
  readonly counts: boolean;
}

/** A data folder as it is, looked at without changing it. */
export interface FolderReport {
  readonly identity: Identity | null;
  readonly meta: Meta | null;
  /** Slots of META that are damaged, cut or torn, of two; as long as one is good, the node runs and writes the other anew. */
  readonly spoiltSlots: number;
  readonly segments: readonly SegmentReport[];
  readonly snapshots: readonly SnapshotReport[];
  readonly hardState: HardState;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The entries that a start would find. */
  readonly entries: readonly Entry[];
  /** Bytes behind the last whole frame that nothing proves acknowledged: a start drops them, and the node abstains. */
  readonly torn: SalvagedLog["torn"];
  /** The node abstains after the next start: it lacks something that it may have promised. */
  readonly abstains: boolean;
  /** Everything that is damaged or missing; a start refuses such a folder unless it is to repair it. */
  readonly damage: readonly Damage[];
  /** Files that an earlier repair set aside. */
  readonly setAside: readonly string[];
  /** Nobody has used the folder yet. */
  readonly empty: boolean;
}

/** Collects what is damaged, and goes on with what is not. */
class Findings {
  readonly damage: Damage[] = [];

  async of<T>(work: () => T | Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.add(error);
      return null;
    }
  }

  add({ file, offset, problem }: StorageError): void {
    this.damage.push({ file, offset, problem });
  }
}

/** Looks at everything in a data folder, and judges it as a start would, but to the last byte. Changes nothing. */
export async function inspectFolder(files: FileSystem): Promise<FolderReport> {
  const findings = new Findings();
  const identity = await findings.of(() => readIdentity(files));
  if (identity === null && findings.damage.length === 0) await assertDataFolder(files);
  const setAside = await setAsideIn(files);
  const segments = await reportSegments(files);
  if (identity === null && findings.damage.length === 0) {
    return emptyFolder(segments, await reportSnapshots(files, null, null, findings), setAside);
  }
  const found = await findings.of(() => readMeta(files));
  const meta = found?.meta ?? null;
  const owner = identity ?? (await ownerOf(files));
  const log = owner === null ? null : await findings.of(() => salvageLog(files, owner, meta ?? emptyMeta));
  if (log?.problem) findings.add(log.problem);
  const snapshots = await reportSnapshots(files, owner, log, findings);
  const newest = snapshots.find((snapshot) => snapshot.counts) ?? null;
  const view = log === null ? null : await findings.of(() => joinedLog(log, newest, meta));
  // A snapshot may have overtaken the log, which then says nothing; what is below a snapshot that the log goes on from still tells.
  const isOvertaken = view !== null && view.lastIndex !== log?.entries.at(-1)?.index;
  const entries = isOvertaken ? [] : (log?.entries ?? []);
  const noted = meta?.droppedLastFrame === true || meta?.damaged != null;
  return {
    identity,
    meta,
    spoiltSlots: found?.spoiltSlots ?? 0,
    segments,
    snapshots,
    hardState: log?.hardState ?? { term: 0, vote: 0, commit: 0 },
    firstIndex: entries[0]?.index ?? view?.firstIndex ?? 0,
    lastIndex: view?.lastIndex ?? entries.at(-1)?.index ?? 0,
    entries,
    torn: log?.torn ?? null,
    abstains: noted || log?.torn != null || log?.abstains === true,
    damage: findings.damage,
    setAside,
    empty: false,
  };
}

/** @throws {StorageError} if there are files, and none that a node makes: somebody else's folder is no empty one. */
async function assertDataFolder(files: FileSystem): Promise<void> {
  // A file system of its own begins with that.
  const names = (await files.list("")).filter((name) => name !== "lost+found");
  if (names.length === 0 || names.some((name) => ownNames.test(name))) return;
  const shown = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
  throw new StorageError(
    ".",
    null,
    `this is no data folder: it holds ${shown}, and nothing that a node writes; name the folder that a node was given with --data`,
  );
}

/** What a node makes in its folder. */
const ownNames = /^(founding-nonce|identity|meta|log|snapshots)(\.|$)/;

function emptyFolder(
  segments: readonly SegmentReport[],
  snapshots: readonly SnapshotReport[],
  setAside: readonly string[],
): FolderReport {
  const used = segments.find((segment) => segment.frames > 0)?.file ?? snapshots[0]?.file;
  const problem = `the file is missing, yet ${used} is there; ${identityAdvice}`;
  return {
    identity: null,
    meta: null,
    spoiltSlots: 0,
    segments,
    snapshots,
    hardState: { term: 0, vote: 0, commit: 0 },
    firstIndex: 0,
    lastIndex: 0,
    entries: [],
    torn: null,
    abstains: false,
    damage: used === undefined ? [] : [{ file: "identity", offset: null, problem }],
    setAside,
    empty: used === undefined,
  };
}

/** Whose segments these are, where the identity cannot say. */
async function ownerOf(files: FileSystem): Promise<Identity | null> {
  for (const { path } of (await listSegments(files, emptyMeta)).log) {
    const header = decodeSegmentHeader(await readFile(files, path));
    if (!("problem" in header)) {
      return { clusterId: header.clusterId, nodeId: header.nodeId, founders: [], formatVersion: 0 };
    }
  }
  return null;
}

async function reportSegments(files: FileSystem): Promise<SegmentReport[]> {
  const reports: SegmentReport[] = [];
  for (const { path, segmentId, firstSequence } of (await listSegments(files, emptyMeta)).log) {
    const bytes = await readFile(files, path);
    let frames = 0;
    let firstIndex = 0;
    let lastIndex = 0;
    for (const { entries } of intactFrames(bytes, segmentSeed(segmentId))) {
      frames += 1;
      const first = entries[0]?.index ?? 0;
      if (first > 0) firstIndex = firstIndex === 0 ? first : Math.min(firstIndex, first);
      lastIndex = Math.max(lastIndex, entries.at(-1)?.index ?? 0);
    }
    reports.push({ file: path, bytes: bytes.length, frames, firstSequence, firstIndex, lastIndex });
  }
  return reports;
}

async function reportSnapshots(
  files: FileSystem,
  owner: Identity | null,
  log: SalvagedLog | null,
  findings: Findings,
): Promise<SnapshotReport[]> {
  const names = (await files.list(snapshotFolder)).filter((name) => /^\d{20}-\d{20}\.(snap|received)$/.test(name));
  const reset = log?.reset ?? null;
  // A received one counts once the log restarts at it; the rename to its own name may not have happened yet.
  const counting = names
    .filter((name) => name.endsWith(".snap") || Number(name.slice(0, 20)) === reset?.index)
    .sort()
    .at(-1);
  const reports: SnapshotReport[] = [];
  for (const name of names) {
    const report = await reportSnapshot(files, `${snapshotFolder}/${name}`, name === counting, owner);
    if (report.fault !== null && report.counts) findings.add(report.fault);
    const { fault, ...rest } = report;
    reports.push({ ...rest, problem: fault?.problem ?? null });
  }
  return reports;
}

async function reportSnapshot(
  files: FileSystem,
  file: string,
  counts: boolean,
  owner: Identity | null,
): Promise<Omit<SnapshotReport, "problem"> & { readonly fault: StorageError | null }> {
  const handle = await files.open(file, { create: false });
  const [index = 0, term = 0] = file
    .slice(snapshotFolder.length + 1)
    .split(/[-.]/, 2)
    .map(Number);
  const bytes = await handle.size();
  let pieces = 0;
  try {
    const header = await readSnapshotHeader(handle, file);
    if (owner !== null && header.clusterId !== owner.clusterId) {
      throw new StorageError(
        file,
        32,
        `the snapshot is of cluster ${header.clusterId}, this folder of ${owner.clusterId}`,
      );
    }
    if (header.meta.index !== index || header.meta.term !== term) {
      throw damage(file, 16, "the snapshot is not what its name says");
    }
    for await (const piece of readPieces(handle, file, header)) pieces += piece.length >= 0 ? 1 : 0;
    return { file, bytes, index, term, pieces, counts, fault: null };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { file, bytes, index, term, pieces, counts, fault: error };
  } finally {
    await handle.close();
  }
}

/** The log as a start would join it to its snapshot. @throws {StorageError} where a start would refuse. */
function joinedLog(log: SalvagedLog, newest: SnapshotReport | null, meta: Meta | null): LogView {
  const snapshot: SnapshotMeta | null =
    newest === null ? null : { index: newest.index, term: newest.term, confState: noMembers };
  if (newest === null && log.reset !== null) {
    throw damage(snapshotFolder, null, `the snapshot at index ${log.reset.index} is missing and the log starts at it`);
  }
  if ((newest?.index ?? 0) < (meta?.snapshotIndex ?? 0)) {
    throw damage(snapshotFolder, null, `the snapshot at index ${meta?.snapshotIndex} or a later one is missing`);
  }
  const view = joinLog(log, snapshot);
  if (log.hardState.commit > view.lastIndex && log.problem === null) {
    const problem = `entries up to ${log.hardState.commit} were committed and the log ends at ${view.lastIndex}`;
    throw damage(log.segments.at(-1)?.path ?? "log", null, problem);
  }
  return view;
}

const noMembers = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

async function setAsideIn(files: FileSystem): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ["", "log", snapshotFolder]) {
    for (const name of await files.list(folder)) {
      if (name.endsWith(damagedSuffix)) found.push(folder === "" ? name : `${folder}/${name}`);
    }
  }
  return found;
}
