import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { PeerTransport } from "../transport/peer-transport.ts";
import { ByteWriter } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { HashWatch } from "./hash-watch.ts";
import type { Leadership } from "./leadership.ts";
import type { NodeLog } from "./node-log.ts";
import { type Envelope, FrameKind, openFrame, peerVersion } from "./peer-codec.ts";
import type { Snapshots } from "./snapshots.ts";

export interface ResyncParts {
  readonly nodeId: NodeId;
  readonly driver: Driver;
  readonly storage: Storage;
  readonly transport: PeerTransport;
  readonly hashes: HashWatch;
  readonly leadership: Leadership;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly log: NodeLog;
}

/** What a leader does about a state that differs from the majority's (SEMANTICS N5). */
export class Resync {
  readonly #parts: ResyncParts;
  constructor(parts: ResyncParts) {
    this.#parts = parts;
  }
  ticked(): void {}
  heard(from: NodeId, envelope: Envelope): void {
    if (this.#parts.driver.role.state !== "leader") return;
    const verdict = this.#parts.hashes.heard(from, envelope.hashIndex, envelope.hash);
    if (verdict.kind === "odd") this.#parts.log("error", "state-hash-differs", { ...verdict });
  }
  asked(_from: NodeId, _frame: Uint8Array): void {}
}
