import { asBuffer, checksum, getUint64, putUint64 } from "./bytes.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import type { Damage } from "./storage.ts";
import { damage, StorageError } from "./storage-error.ts";

/** What is known for certain about the log, apart from the log. */
export interface Meta {
  /** Every frame up to this sequence is durable: a bad one among them is damage, never a torn write. */
  readonly durableSequence: number;
  /** A bad last frame was dropped and the cluster has not made up for it yet (SEMANTICS N2). */
  readonly droppedLastFrame: boolean;
  /** Acknowledged data was damaged, the folder repaired, and the cluster has not made up for it yet. */
  readonly damaged: Damage | null;
  /** The log begins with the segment of this first sequence; what is before it is no part of it. 0: not known. */
  readonly firstSequence: number;
  /** A snapshot at this index or a later one is there. */
  readonly snapshotIndex: number;
  /** No frame of this log, lost ones included, carries a later term. 0: not known. */
  readonly termBound: number;
}

const file = "meta";
const magic = 0x656d4751;
const version = 2;
/** Each slot has a block of its own, so that a write torn by a power failure spoils one of them only. */
const slotOffsets = [0, 4096] as const;
const slotBytes = 512;
const fileBytes = slotOffsets[1] + slotBytes;
const damageOffset = 56;
const checksumOffset = slotBytes - 4;
/** An operator needs the place and the first words; the slot has no room for more. */
const maxProblemChars = 160;
const flagDropped = 1;

/** Nothing is known yet. */
export const emptyMeta: Meta = {
  durableSequence: 0,
  droppedLastFrame: false,
  damaged: null,
  firstSequence: 0,
  snapshotIndex: 0,
  termBound: 0,
};

/**
 * The file `meta`: two slots of 512 bytes, written in turn, the newer valid one counts.
 *
 *     0 u32 magic "QGme"         28 u32 bytes of the damage
 *     4 u32 version              32 u64 sequence that the log begins with
 *     8 u64 generation           40 u64 index that the newest snapshot has at least
 *    16 u64 durable sequence     48 u64 latest term that a frame may carry
 *    24 u32 flags (1: dropped)   56     the damage as JSON, if any
 *                               508 u32 CRC of the bytes before
 *
 * Version 1, still read, ends after the flags with a CRC at 28; whatever comes later keeps magic, version and CRC in their places,
 * so that damage is not taken for the future. The file tells what the log and the snapshots cannot tell
 * themselves: whether the last frame was acknowledged, and whether a first segment or a snapshot is missing.
 */
export class MetaSlots {
  private readonly handle: FileHandle;
  private generation: number;
  private written: Meta;
  private busy: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, generation: number, written: Meta) {
    this.handle = handle;
    this.generation = generation;
    this.written = written;
  }

  get current(): Meta {
    return this.written;
  }

  /** Makes the file, replacing one left by a node that never got an identity. */
  static async create(files: FileSystem, meta: Meta = emptyMeta): Promise<MetaSlots> {
    if ((await files.list("")).includes(file)) await files.remove(file);
    const slots = new MetaSlots(await files.open(file, { create: true }), 0, meta);
    await slots.handle.write(0, [Buffer.alloc(fileBytes)]);
    await slots.writeTwice(slots.written);
    return slots;
  }

  /** @throws {StorageError} if the file is missing or neither slot is valid. */
  static async open(files: FileSystem): Promise<MetaSlots> {
    const found = await readMeta(files);
    return new MetaSlots(await files.open(file, { create: false }), found.generation, found.meta);
  }

  /** Writes one slot and flushes it. Calls are carried out one after the other, each on what the one before left. */
  write(change: Partial<Meta>): Promise<void> {
    this.busy = this.busy.then(() => this.writeSlot({ ...this.written, ...change }));
    return this.busy;
  }

  /** As {@link write}, to both slots: for what a damaged slot must not undo. */
  async writeTwice(change: Partial<Meta>): Promise<void> {
    await this.write(change);
    await this.write(change);
  }

  async close(): Promise<void> {
    await this.busy.catch(() => {});
    await this.handle.close();
  }

  private async writeSlot(meta: Meta): Promise<void> {
    const generation = this.generation + 1;
    await this.handle.write(slotOffsets[generation % 2 === 0 ? 0 : 1], [encodeSlot(generation, meta)]);
    await this.handle.flush();
    this.generation = generation;
    this.written = meta;
  }
}

/** The newer valid slot. @throws {StorageError} if the file is missing or neither slot is valid. */
export async function readMeta(
  files: FileSystem,
): Promise<{ readonly generation: number; readonly meta: Meta; readonly spoiltSlots: number }> {
  if (!(await files.list("")).includes(file)) {
    throw damage(file, null, "the file is missing although this folder belongs to a node");
  }
  const handle = await files.open(file, { create: false });
  try {
    const slots = await Promise.all(slotOffsets.map(async (offset) => asBuffer(await handle.read(offset, slotBytes))));
    const valid = slots.map(decodeSlot).filter((slot) => slot !== null);
    const best = valid.sort((a, b) => b.generation - a.generation)[0];
    if (best !== undefined) return { ...best, spoiltSlots: slots.length - valid.length };
    const foreign = slots
      .filter(isWhole)
      .map(versionOf)
      .find((found) => found > version);
    if (foreign !== undefined) {
      throw new StorageError(file, 4, `the file has format version ${foreign}, this build reads up to ${version}`);
    }
    throw damage(file, 0, "both slots are damaged, so nothing says how much of the log was acknowledged");
  } finally {
    await handle.close();
  }
}

function encodeSlot(generation: number, meta: Meta): Buffer {
  const slot = Buffer.alloc(slotBytes);
  const { damaged } = meta;
  const text =
    damaged === null ? "" : JSON.stringify({ ...damaged, problem: damaged.problem.slice(0, maxProblemChars) });
  slot.writeUInt32LE(magic, 0);
  slot.writeUInt32LE(version, 4);
  putUint64(slot, 8, generation);
  putUint64(slot, 16, meta.durableSequence);
  slot.writeUInt32LE(meta.droppedLastFrame ? flagDropped : 0, 24);
  slot.writeUInt32LE(slot.write(text, damageOffset, checksumOffset - damageOffset), 28);
  putUint64(slot, 32, meta.firstSequence);
  putUint64(slot, 40, meta.snapshotIndex);
  putUint64(slot, 48, meta.termBound);
  slot.writeUInt32LE(checksum(slot.subarray(0, checksumOffset), 0), checksumOffset);
  return slot;
}

function versionOf(slot: Buffer): number {
  return slot.length >= 8 && slot.readUInt32LE(0) === magic ? slot.readUInt32LE(4) : 0;
}

/** Whether the checksum holds where every version but the first has it: damage may look like a version of the future. */
function isWhole(slot: Buffer): boolean {
  return (
    slot.length === slotBytes && slot.readUInt32LE(checksumOffset) === checksum(slot.subarray(0, checksumOffset), 0)
  );
}

function decodeSlot(slot: Buffer): { readonly generation: number; readonly meta: Meta } | null {
  const found = versionOf(slot);
  if (slot.length < slotBytes || found < 1 || found > version) return null;
  const checked = found === 1 ? 28 : checksumOffset;
  if (slot.readUInt32LE(checked) !== checksum(slot.subarray(0, checked), 0)) return null;
  const meta: Meta = {
    ...emptyMeta,
    durableSequence: getUint64(slot, 16),
    droppedLastFrame: (slot.readUInt32LE(24) & flagDropped) !== 0,
  };
  const generation = getUint64(slot, 8);
  if (found === 1) return { generation, meta };
  const text = slot.toString("utf8", damageOffset, damageOffset + slot.readUInt32LE(28));
  const damaged = text === "" ? null : (JSON.parse(text) as Damage);
  return {
    generation,
    meta: {
      ...meta,
      damaged,
      firstSequence: getUint64(slot, 32),
      snapshotIndex: getUint64(slot, 40),
      termBound: getUint64(slot, 48),
    },
  };
}
