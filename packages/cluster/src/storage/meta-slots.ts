import { asBuffer, checksum, getUint64, putUint64 } from "./bytes.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { StorageError } from "./storage-error.ts";

/** What is known for certain about the log, apart from the log. */
export interface Meta {
  /** Every frame up to this sequence is durable: a bad one among them is damage, never a torn write. */
  readonly durableSequence: number;
  /** A bad last frame was dropped and the cluster has not made up for it yet (SEMANTICS N2). */
  readonly droppedLastFrame: boolean;
}

const file = "meta";
const magic = 0x656d4751;
const version = 1;
/** Each slot has a block of its own, so that a write torn by a power failure spoils one of them only. */
const slotOffsets = [0, 4096] as const;
const slotBytes = 512;

/**
 * The file `meta`: two slots, written in turn, the newer valid one counts.
 *
 *     0 u32 magic "QGme" · 4 u32 version · 8 u64 generation · 16 u64 durable sequence · 24 u32 dropped · 28 u32 CRC
 *
 * It narrows the one question that the log cannot answer itself: whether its last frame was acknowledged.
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
  static async create(files: FileSystem): Promise<MetaSlots> {
    if ((await files.list("")).includes(file)) await files.remove(file);
    const slots = new MetaSlots(await files.open(file, { create: true }), 0, {
      durableSequence: 0,
      droppedLastFrame: false,
    });
    await slots.handle.write(0, [Buffer.alloc(slotOffsets[1] + slotBytes)]);
    await slots.writeTwice(slots.written);
    return slots;
  }

  /** @throws {StorageError} if the file is missing or neither slot is valid. */
  static async open(files: FileSystem): Promise<MetaSlots> {
    if (!(await files.list("")).includes(file)) {
      throw new StorageError(file, null, "the file is missing although this folder belongs to a node; restore it");
    }
    const handle = await files.open(file, { create: false });
    let best: { generation: number; meta: Meta } | null = null;
    for (const offset of slotOffsets) {
      const slot = decodeSlot(asBuffer(await handle.read(offset, slotBytes)));
      if (slot !== null && (best === null || slot.generation > best.generation)) best = slot;
    }
    if (best === null) {
      await handle.close();
      throw new StorageError(file, 0, "both slots are damaged, so nothing says how much of the log was acknowledged");
    }
    return new MetaSlots(handle, best.generation, best.meta);
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
    const slot = Buffer.alloc(slotBytes);
    slot.writeUInt32LE(magic, 0);
    slot.writeUInt32LE(version, 4);
    putUint64(slot, 8, generation);
    putUint64(slot, 16, meta.durableSequence);
    slot.writeUInt32LE(meta.droppedLastFrame ? 1 : 0, 24);
    slot.writeUInt32LE(checksum(slot.subarray(0, 28), 0), 28);
    await this.handle.write(slotOffsets[generation % 2 === 0 ? 0 : 1], [slot]);
    await this.handle.flush();
    this.generation = generation;
    this.written = meta;
  }
}

function decodeSlot(slot: Buffer): { generation: number; meta: Meta } | null {
  if (slot.length < slotBytes || slot.readUInt32LE(0) !== magic || slot.readUInt32LE(4) !== version) return null;
  if (slot.readUInt32LE(28) !== checksum(slot.subarray(0, 28), 0)) return null;
  return {
    generation: getUint64(slot, 8),
    meta: { durableSequence: getUint64(slot, 16), droppedLastFrame: slot.readUInt32LE(24) === 1 },
  };
}
