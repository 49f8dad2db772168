import type { NodeId } from "@quorumguard/raft";
import type { MemberRecord } from "../storage/member-record.ts";
import { ByteReader, ByteWriter, PeerFormatError } from "./bytes.ts";
import { readMemberRecords, writeMemberRecords } from "./member-codec.ts";
import { FrameKind, openFrame, peerVersion } from "./peer-codec.ts";

/**
 * How far a founder has come (SEMANTICS N3): it knows nothing yet, its identity is on disk, or all identities are. A newcomer to a
 * cluster that has formed is joining until it has an identity, and formed from then on.
 */
export const FoundingPhase = { collecting: 0, flushed: 1, formed: 2, joining: 3 } as const;
export type FoundingPhase = (typeof FoundingPhase)[keyof typeof FoundingPhase];

/** What a node says first on every connection, and again while the cluster forms. */
export interface Hello {
  readonly nodeId: NodeId;
  /** Drawn anew by each process: a changed one proves that the earlier process is dead. 16 hexadecimal digits. */
  readonly bootId: string;
  /** Empty until the node has an identity. */
  readonly clusterId: string;
  /** The founding nonce on this node's disk. */
  readonly nonce: string;
  readonly phase: FoundingPhase;
  /** Ids of the `--cluster` list, sorted, so that nodes started with different lists notice. A newcomer has none. */
  readonly founders: readonly NodeId[];
  /** Where this node listens for its peers; empty if it does not know. */
  readonly address: string;
  /** The founders as its identity names them, from whom a newcomer's log begins; empty until there is one. */
  readonly origin: readonly MemberRecord[];
  /** The members as far as this node has applied the log; empty until the cluster has formed. */
  readonly members: readonly MemberRecord[];
  /** This node lost the end of its log, and the cluster has not made up for it yet (SEMANTICS N2). */
  readonly droppedLastFrame: boolean;
  /** More than a last frame was lost: acknowledged data was damaged. */
  readonly damaged: boolean;
  /** Term and end of the log, for a peer that abstains (SEMANTICS N2 b). */
  readonly term: number;
  readonly lastTerm: number;
  readonly lastIndex: number;
}

const magic = 0x5147_5031;
const flagDropped = 1;
const flagDamaged = 2;
const scratch = new ByteWriter(512);

/** Encodes the first frame on a connection: who speaks, of which cluster, in which format. */
export function encodeHello(hello: Hello): Uint8Array {
  scratch.reset();
  scratch.u32(magic);
  scratch.u8(peerVersion);
  writeHello(hello);
  return scratch.take();
}

/** Reads the first frame of a connection. @throws {PeerFormatError} when the bytes are not a hello of this version. */
export function decodeHello(bytes: Uint8Array): Hello {
  const input = new ByteReader(bytes);
  if (input.u32() !== magic) throw new PeerFormatError("not a QuorumGuard peer: the first frame has no magic number");
  const version = input.u8();
  if (version !== peerVersion) throw new PeerFormatError(`peer format ${version}, this node speaks ${peerVersion}`);
  return readHello(input);
}

/** As {@link decodeHello}, but says in words what is wrong. */
export function tryDecodeHello(bytes: Uint8Array): Hello | string {
  try {
    return decodeHello(bytes);
  } catch (error) {
    if (error instanceof PeerFormatError) return error.message;
    throw error;
  }
}

/** Encodes what a founder says again and again until the cluster has formed: the facts of its hello. */
export function encodeFounding(hello: Hello): Uint8Array {
  scratch.reset();
  scratch.u8(FrameKind.founding);
  scratch.u8(peerVersion);
  writeHello(hello);
  return scratch.take();
}

/** Reads a founder's repeated facts. @throws {PeerFormatError} when the bytes are not a founding frame. */
export function decodeFounding(frame: Uint8Array): Hello {
  return readHello(openFrame(frame, FrameKind.founding));
}

function writeHello(hello: Hello): void {
  scratch.f64(hello.nodeId);
  scratch.text(hello.bootId);
  scratch.text(hello.clusterId);
  scratch.text(hello.nonce);
  scratch.u8(hello.phase);
  scratch.u8((hello.droppedLastFrame ? flagDropped : 0) | (hello.damaged ? flagDamaged : 0));
  scratch.f64(hello.term);
  scratch.f64(hello.lastTerm);
  scratch.f64(hello.lastIndex);
  scratch.u32(hello.founders.length);
  for (const id of hello.founders) scratch.f64(id);
  scratch.text(hello.address);
  writeMemberRecords(scratch, hello.origin);
  writeMemberRecords(scratch, hello.members);
}

function readHello(input: ByteReader): Hello {
  const nodeId = input.u53();
  const bootId = input.text(64);
  const clusterId = input.text(64);
  const nonce = input.text(64);
  const phase = input.u8();
  if (phase > FoundingPhase.joining) throw new PeerFormatError(`founding phase ${phase} is unknown`);
  const flags = input.u8();
  const term = input.u53();
  const lastTerm = input.u53();
  const lastIndex = input.u53();
  const founders: number[] = [];
  const count = input.count(8);
  for (let i = 0; i < count; i++) founders.push(input.u53());
  const address = input.text(300);
  const origin = readMemberRecords(input);
  const members = readMemberRecords(input);
  input.end();
  return {
    nodeId,
    bootId,
    clusterId,
    nonce,
    phase: phase as FoundingPhase,
    founders,
    address,
    origin,
    members,
    droppedLastFrame: (flags & flagDropped) !== 0,
    damaged: (flags & flagDamaged) !== 0,
    term,
    lastTerm,
    lastIndex,
  };
}
