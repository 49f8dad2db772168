import { type CommittedEntry, createRaftWitness } from "@quorumguard/audit";
import { decodeEnvelope, decodePreface, FrameKind, FrameReader, Purpose } from "../production.ts";
import { EntryFile } from "./entry-file.ts";
import type { ConnectionTap } from "./link-proxy.ts";

/** A witness of Raft on the links between real nodes. */
export interface Wiretap {
  /** Hears one new connection that `from` dialled to `to`. */
  connection(from: number, to: number): ConnectionTap;
  /** The committed entries known so far, by ascending index. They must be without a gap, which is the reader's to check. */
  committed(): Generator<CommittedEntry>;
  /** Who led, by term. */
  readonly leaders: ReadonlyMap<number, number>;
  /** Connections that carried a snapshot. */
  readonly snapshots: number;
  readonly violations: readonly string[];
  close(): void;
}

const maxFrameBytes = 64 << 20;

/**
 * Listens to the bytes between nodes and hands what is Raft's to a witness.
 *
 * @param file Where the data of entries is kept meanwhile.
 */
export function createWiretap(file: string): Wiretap {
  const data = new EntryFile(file);
  const witness = createRaftWitness(data);
  const garbled: string[] = [];
  let snapshots = 0;

  function frame(from: number, to: number, bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes[0] !== FrameKind.envelope) return;
    for (const message of decodeEnvelope(bytes, from, to).messages) witness.hear(message);
  }

  return {
    leaders: witness.leaders,
    committed: witness.committed,
    close: () => data.close(),
    get violations() {
      return [...garbled, ...witness.violations];
    },
    get snapshots() {
      return snapshots;
    },
    connection(from, to) {
      const reader = new FrameReader(maxFrameBytes);
      let purpose: number | null = null;
      let deaf = false;
      return (chunk) => {
        if (deaf) return;
        try {
          reader.push(chunk, (bytes) => {
            if (purpose !== null) frame(from, to, bytes);
            else {
              purpose = decodePreface(bytes)?.purpose ?? null;
              deaf = purpose !== Purpose.messages;
              if (purpose === Purpose.snapshot) snapshots += 1;
            }
            return !deaf;
          });
        } catch (error) {
          deaf = true;
          garbled.push(`node-${from} sends node-${to} what is no frame: ${String(error)}`);
        }
      };
    },
  };
}
