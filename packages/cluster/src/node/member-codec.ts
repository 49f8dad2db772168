import type { MemberRecord } from "../storage/member-record.ts";
import { ByteReader, ByteWriter, PeerFormatError } from "./bytes.ts";

/** More members than any cluster has: what claims more is garbage. */
export const maxMembers = 64;
const formatVersion = 1;
const maxAddressBytes = 300;
const maxNonceBytes = 64;

/** The context of a membership change: `version u8 · records`. It names all members, so that a newcomer's log tells it of everyone. */
export function encodeMemberRecords(records: readonly MemberRecord[]): Uint8Array {
  const out = new ByteWriter(512);
  out.u8(formatVersion);
  writeMemberRecords(out, records);
  return out.take();
}

/**
 * The inverse; nothing for bytes that another version wrote: addresses are then learned from the members themselves. A committed
 * change must be applied whatever its context says.
 */
export function decodeMemberRecords(bytes: Uint8Array | undefined): readonly MemberRecord[] {
  if (bytes === undefined || bytes.length === 0 || bytes[0] !== formatVersion) return [];
  try {
    const input = new ByteReader(bytes);
    input.u8();
    const records = readMemberRecords(input);
    input.end();
    return records;
  } catch (error) {
    if (error instanceof PeerFormatError) return [];
    throw error;
  }
}

/** `count u32 · (nodeId f64 · address · nonce)*`. */
export function writeMemberRecords(out: ByteWriter, records: readonly MemberRecord[]): void {
  out.u32(records.length);
  for (const { nodeId, address, nonce } of records) {
    out.f64(nodeId);
    out.text(address);
    out.text(nonce);
  }
}

/** @throws {PeerFormatError} when the bytes are not such records. */
export function readMemberRecords(input: ByteReader): readonly MemberRecord[] {
  const count = input.count(16);
  if (count > maxMembers) throw new PeerFormatError(`${count} members, at most ${maxMembers} are possible`);
  const records: MemberRecord[] = [];
  for (let i = 0; i < count; i++) {
    records.push({ nodeId: input.u53(), address: input.text(maxAddressBytes), nonce: input.text(maxNonceBytes) });
  }
  return records;
}
