import { type Limiter, restoreLimiter } from "@quorumguard/limiter";
import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { SnapshotMeta, SnapshotReader, Storage } from "../storage/storage.ts";
import type { PeerTransport, SnapshotSink } from "../transport/peer-transport.ts";
import type { ImageOffer } from "../transport/snapshot-frames.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { Members } from "./members.ts";
import type { NodeLog } from "./node-log.ts";
import { decodeMessage, encodeMessage } from "./peer-codec.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";

/** Bytes of state serialised between two looks at the clock. */
const pieceBytes = 65_536;
/** Longest stretch of serialising in one turn, in milliseconds. */
const sliceMs = 2;
const noData = new Uint8Array(0);
/** Bytes at the end of an image that tell it from any other. */
const tagBytes = 20;

/** What snapshots are made of and sent by. */
export interface SnapshotsParts {
  readonly nodeId: NodeId;
  readonly driver: Driver;
  readonly storage: Storage;
  readonly members: Members;
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly snapshotLogBytes: number;
  readonly trailingEntries: number;
  readonly log: NodeLog;
  readonly failed: (error: Error) => void;
  /** An image that replaces the state without touching the log (SEMANTICS N5). */
  readonly receiveResync: (from: NodeId, message: Message) => SnapshotSink | null | undefined;
}

/** An image that is no longer worth its place on disk; nothing is wrong. */
class SnapshotOvertaken extends Error {}

/** Cuts, sends and receives images of the state machine. */
export class Snapshots {
  readonly #parts: SnapshotsParts;
  readonly #intake: SnapshotIntake;
  #cutting: Promise<{ readonly index: number; readonly bytes: number }> | null = null;
  #stopped = false;
  /** Followers that a snapshot is on its way to: one at a time each. */
  readonly #sending = new Set<NodeId>();

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
    this.#intake = new SnapshotIntake(parts);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once no image is being written. */
  async settled(): Promise<void> {
    await this.#intake.close();
    await this.#cutting?.catch(() => {});
  }

  /** Asked once per tick: cuts when the log has outgrown its bound. */
  ticked(): void {
    const { storage, snapshotLogBytes, driver, failed } = this.#parts;
    if (this.#cutting !== null || this.#stopped || driver.restoring || driver.appliedIndex === 0) return;
    if (storage.logBytes <= Math.max(snapshotLogBytes, 2 * storage.snapshotBytes)) return;
    this.cut().catch((error: unknown) => {
      if (!this.#stopped && !(error instanceof SnapshotOvertaken))
        failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** An image as of now; joins one that is already being cut. */
  cut(): Promise<{ readonly index: number; readonly bytes: number }> {
    this.#cutting ??= this.#cut().finally(() => {
      this.#cutting = null;
    });
    return this.#cutting;
  }

  async #cut(): Promise<{ readonly index: number; readonly bytes: number }> {
    const { driver, storage, members, clock, snapshotLogBytes, trailingEntries, log } = this.#parts;
    if (driver.restoring) throw new Error("a snapshot is being installed; ask again when the node is ready");
    const index = driver.appliedIndex;
    const term = storage.term(index);
    const present = storage.snapshot();
    if (present !== "unavailable" && present.index >= index)
      return { index: present.index, bytes: storage.snapshotBytes };
    if (index === 0 || typeof term !== "number") throw new Error("there is nothing to take a snapshot of yet");
    const { confState } = driver.raft.status();
    const { list } = members;
    const cut = driver.limiter.beginSnapshot();
    try {
      const writer = await storage.writeSnapshot({ index, term, confState, members: list });
      try {
        let sliceBeganMs = clock.monotonicMs();
        for (let piece = cut.next(pieceBytes); piece !== null; piece = cut.next(pieceBytes)) {
          await writer.write(piece);
          if (this.#stopped) throw new Error("the node stops");
          if (clock.monotonicMs() - sliceBeganMs >= sliceMs) {
            await new Promise<void>((resolve) => clock.endOfTurn(resolve));
            sliceBeganMs = clock.monotonicMs();
          }
        }
        const newest = storage.snapshot();
        if (driver.restoring || (newest !== "unavailable" && newest.index >= index)) {
          throw new SnapshotOvertaken(`a newer snapshot than that at ${index} was received meanwhile`);
        }
        await writer.commit();
      } catch (error) {
        await writer.abort();
        throw error;
      }
    } finally {
      cut.release();
    }
    const bytes = storage.snapshotBytes;
    // Who needs more of the log than the image has bytes is better sent the image.
    const trailingBytes = Math.max(snapshotLogBytes / 2, bytes);
    await storage.compact(storage.indexBehind(index, trailingEntries, trailingBytes));
    log("info", "snapshot-cut", { index, bytes });
    return { index, bytes };
  }

  /** Rebuilds a state machine from the newest image. */
  async restore(): Promise<{ readonly limiter: Limiter; readonly meta: SnapshotMeta } | null> {
    return restoreNewest(this.#parts.storage);
  }

  /** The core wants `message.to` to have a snapshot. */
  send(message: Message): void {
    const { driver, log } = this.#parts;
    const { to } = message;
    if (this.#sending.has(to)) return;
    this.#sending.add(to);
    this.#sendNewest(message).then(
      (ok) => this.#reported(to, ok),
      (error: unknown) => {
        log("warn", "snapshot-not-sent", { to, error: String(error) });
        this.#reported(to, false);
      },
    );
    driver.wake();
  }

  #reported(to: NodeId, ok: boolean): void {
    this.#sending.delete(to);
    if (this.#stopped) return;
    this.#parts.driver.raft.reportSnapshot(to, ok);
    this.#parts.driver.wake();
  }

  async #sendNewest(message: Message): Promise<boolean> {
    const { storage, transport, log } = this.#parts;
    const reader: SnapshotReader | null = await storage.openSnapshot();
    if (reader === null) return false;
    try {
      // A newer one may have replaced what the core named; the head must describe what is sent.
      const head = encodeMessage({ ...message, snapshot: { ...reader.meta, data: noData } });
      const source = {
        bytes: reader.bytes,
        // The end of the file is a checksum over all of it.
        tag: await reader.read(reader.bytes - tagBytes, tagBytes),
        read: (position: number, length: number) => reader.read(position, length),
      };
      const ok = await transport.sendSnapshot(message.to, head, source);
      log("info", "snapshot-sent", { to: message.to, index: reader.meta.index, bytes: reader.bytes, ok });
      return ok;
    } finally {
      await reader.close();
    }
  }

  /** A peer offers a snapshot. @throws {PeerFormatError} when its head is not a snapshot message. */
  async receive(from: NodeId, head: Uint8Array, image?: ImageOffer): Promise<SnapshotSink | null> {
    const { nodeId, driver, storage } = this.#parts;
    const message = decodeMessage(head, from, nodeId);
    const { snapshot } = message;
    if (message.type !== MessageType.snap || snapshot === null || this.#stopped) return null;
    const resync = this.#parts.receiveResync(from, message);
    if (resync !== undefined) return resync;
    if (message.term < driver.raft.term || driver.restoring) return null;
    if (snapshot.index <= driver.raft.commitIndex) {
      // The leader does not know how far this log reaches: the core's answer says so. Refused without one, the same image
      // would be offered for ever.
      driver.receiveMessage(message);
      return null;
    }
    const tag = image?.tag ?? noData;
    const key = tag.length === 0 ? null : `${from} ${snapshot.index} ${snapshot.term} ${image?.bytes} ${tag.join()}`;
    const taken = async (): Promise<boolean> => {
      if (this.#stopped) return false;
      driver.receiveMessage(message);
      // The turn that takes the message has been ordered first, so it is over when this one begins.
      await new Promise<void>((resolve) => this.#parts.clock.endOfTurn(resolve));
      return driver.raft.commitIndex >= snapshot.index;
    };
    return this.#intake.begin(key, () => storage.receiveSnapshot(snapshot), taken);
  }
}

/** Rebuilds a state machine from the newest image in storage; null if there is none. */
export async function restoreNewest(
  storage: Storage,
): Promise<{ readonly limiter: Limiter; readonly meta: SnapshotMeta } | null> {
  const reader = await storage.openSnapshot();
  if (reader === null) return null;
  try {
    const restore = restoreLimiter();
    for await (const piece of reader.pieces()) restore.write(piece);
    return { limiter: restore.finish(), meta: reader.meta };
  } finally {
    await reader.close();
  }
}
