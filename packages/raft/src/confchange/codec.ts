import { noBytes } from "../message.ts";
import type { ConfChange, ConfChangeKind } from "../types.ts";

const formatVersion = 1;
const headerBytes = 4;
const changeBytes = 9;
const maxChanges = 0xffff;
const transitions = ["auto", "implicit", "explicit"] as const;
const kinds: readonly ConfChangeKind[] = ["addVoter", "addLearner", "remove", "update"];

/**
 * The data of a membership entry: version u8, transition u8, count u16, then (kind u8, node id u64) each, then the context.
 * A change that only leaves a joint configuration is empty, so that no size limit can ever keep it out of the log.
 * @throws {Error} when there are more than 65,535 changes.
 */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const { changes, context } = change;
  if (change.transition === "auto" && changes.length === 0 && context.length === 0) return noBytes;
  if (changes.length > maxChanges) throw new Error(`changes: ${changes.length} exceeds ${maxChanges}`);
  const bytes = new Uint8Array(headerBytes + changes.length * changeBytes + context.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, formatVersion);
  view.setUint8(1, transitions.indexOf(change.transition));
  view.setUint16(2, changes.length);
  changes.forEach(({ kind, nodeId }, position) => {
    const offset = headerBytes + position * changeBytes;
    view.setUint8(offset, kinds.indexOf(kind));
    view.setBigUint64(offset + 1, BigInt(nodeId));
  });
  bytes.set(context, headerBytes + changes.length * changeBytes);
  return bytes;
}

/** The inverse of `encodeConfChange`, or null for bytes that it cannot have written. */
export function decodeConfChange(data: Uint8Array): ConfChange | null {
  if (data.length === 0) return { transition: "auto", changes: [], context: noBytes };
  if (data.length < headerBytes || data[0] !== formatVersion) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const transition = transitions[view.getUint8(1)];
  const contextOffset = headerBytes + view.getUint16(2) * changeBytes;
  if (transition === undefined || data.length < contextOffset) return null;
  const changes: { kind: ConfChangeKind; nodeId: number }[] = [];
  for (let offset = headerBytes; offset < contextOffset; offset += changeBytes) {
    const kind = kinds[view.getUint8(offset)];
    const nodeId = Number(view.getBigUint64(offset + 1));
    if (kind === undefined || !Number.isSafeInteger(nodeId)) return null;
    changes.push({ kind, nodeId });
  }
  return { transition, changes, context: data.slice(contextOffset) };
}
