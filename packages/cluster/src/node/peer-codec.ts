import { type ConfState, type Entry, EntryType, type Message, MessageType, type NodeId } from "@quorumguard/raft";
import { ByteReader, ByteWriter, PeerFormatError } from "./bytes.ts";

/**
 * What peers say to each other, in a layout of our own rather than protobuf: it is written once per turn and peer on the
 * hottest path, both ends are always this package, and the version in the hello (and in each envelope) fences mixed releases.
 *
 * ```
 * frame    := kind u8 · version u8 · body
 * envelope := stampUs f64 · stampLive u8 · stampTerm f64 · wallUs f64 · probeMs f64 · probeWallMs f64 · echoMs f64
 *             · echoWallMs f64 · hashIndex f64 · hash 8 bytes · count u32 · message*
 * message  := type u8 · flags u8 · term f64 · logTerm f64 · index f64 · commit f64 · rejectHint f64
 *             · entries u32 · firstIndex f64 · (term f64 · type u8 · length u32 · data)* · [context] · [snapshot]
 * ```
 * Integers are little-endian doubles or u32. Sender and addressee are those of the connection and are not repeated.
 */
export const FrameKind = { envelope: 1, requests: 2, replies: 3, founding: 4 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Whether a frame carries Raft messages, which alone may be lost, repeated and reordered without harm to anybody. */
export function isEnvelope(frame: Uint8Array): boolean {
  return frame[0] === FrameKind.envelope;
}

/** Version of every layout between peers; raised when any of them changes. */
export const peerVersion = 4;

/** All Raft messages of one turn to one peer, and what travels with every contact. */
export interface Envelope {
  /** The sender's estimate of the replicated time (SEMANTICS T2). */
  readonly stampUs: number;
  /** Whether the estimate has been carried by a running process ever since a leader stated it. */
  readonly stampLive: boolean;
  /** The term of the leader whose line the estimate follows. */
  readonly stampTerm: number;
  readonly wallUs: number;
  /** The sender's clocks when it sent this, for the addressee to send back. */
  readonly probeMs: number;
  readonly probeWallMs: number;
  /** The addressee's clocks as of its last envelope that the sender has seen; 0: none yet. */
  readonly echoMs: number;
  readonly echoWallMs: number;
  /** The sender's newest state-hash checkpoint (SEMANTICS N5); index 0: none yet. */
  readonly hashIndex: number;
  readonly hash: string;
  readonly messages: readonly Message[];
}

const flagReject = 1;
const flagContext = 2;
const flagSnapshot = 4;
const maxContextBytes = 1_024;
const maxSnapshotDataBytes = 1_048_576;
const noBytes = new Uint8Array(0);

const networkTypes: ReadonlySet<number> = new Set([
  MessageType.app,
  MessageType.appResp,
  MessageType.vote,
  MessageType.voteResp,
  MessageType.snap,
  MessageType.heartbeat,
  MessageType.heartbeatResp,
  MessageType.timeoutNow,
  MessageType.preVote,
  MessageType.preVoteResp,
]);

const scratch = new ByteWriter(65_536);

/** Encodes one turn's messages to one peer. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const out = scratch;
  out.reset();
  out.u8(FrameKind.envelope);
  out.u8(peerVersion);
  out.f64(envelope.stampUs);
  out.u8(envelope.stampLive ? 1 : 0);
  out.f64(envelope.stampTerm);
  out.f64(envelope.wallUs);
  out.f64(envelope.probeMs);
  out.f64(envelope.probeWallMs);
  out.f64(envelope.echoMs);
  out.f64(envelope.echoWallMs);
  out.f64(envelope.hashIndex);
  writeHash(out, envelope.hash);
  out.u32(envelope.messages.length);
  for (const message of envelope.messages) writeMessage(out, message);
  return out.take();
}

/** Reads one turn's messages from a peer. @throws {PeerFormatError} when the bytes are not an envelope. */
export function decodeEnvelope(frame: Uint8Array, from: NodeId, to: NodeId): Envelope {
  const input = openFrame(frame, FrameKind.envelope);
  const stampUs = input.u53();
  const stampLive = input.u8() === 1;
  const stampTerm = input.u53();
  const wallUs = input.u53();
  const probeMs = input.finite();
  const probeWallMs = input.finite();
  const echoMs = input.finite();
  const echoWallMs = input.finite();
  const hashIndex = input.u53();
  const hash = readHash(input);
  const count = input.count(54);
  const messages: Message[] = [];
  for (let i = 0; i < count; i++) messages.push(readMessage(input, from, to));
  input.end();
  return { stampUs, stampLive, stampTerm, wallUs, probeMs, probeWallMs, echoMs, echoWallMs, hashIndex, hash, messages };
}

/** A single message, for the head of a snapshot. */
export function encodeMessage(message: Message): Uint8Array {
  scratch.reset();
  writeMessage(scratch, message);
  return scratch.take();
}

/** Reads the single message at the head of a snapshot. @throws {PeerFormatError} when the bytes are not one message. */
export function decodeMessage(bytes: Uint8Array, from: NodeId, to: NodeId): Message {
  const input = new ByteReader(bytes);
  const message = readMessage(input, from, to);
  input.end();
  return message;
}

/**
 * Checks a frame's kind and version, and gives a reader that stands at its body.
 *
 * @throws {PeerFormatError} on any other.
 */
export function openFrame(frame: Uint8Array, kind: FrameKind): ByteReader {
  const input = new ByteReader(frame);
  const actual = input.u8();
  if (actual !== kind) throw new PeerFormatError(`frame of kind ${actual}, expected ${kind}`);
  const version = input.u8();
  if (version !== peerVersion) throw new PeerFormatError(`peer format ${version}, this node speaks ${peerVersion}`);
  return input;
}

function writeMessage(out: ByteWriter, message: Message): void {
  const { context, snapshot, entries } = message;
  out.u8(message.type);
  out.u8(
    (message.reject ? flagReject : 0) | (context === null ? 0 : flagContext) | (snapshot === null ? 0 : flagSnapshot),
  );
  out.f64(message.term);
  out.f64(message.logTerm);
  out.f64(message.index);
  out.f64(message.commit);
  out.f64(message.rejectHint);
  out.u32(entries.length);
  out.f64(entries.length === 0 ? 0 : entries[0]!.index);
  for (const entry of entries) {
    out.f64(entry.term);
    out.u8(entry.type);
    out.bytes(entry.data);
  }
  if (context !== null) out.bytes(context);
  if (snapshot !== null) {
    out.f64(snapshot.index);
    out.f64(snapshot.term);
    writeConfState(out, snapshot.confState);
    out.bytes(snapshot.data);
  }
}

function readMessage(input: ByteReader, from: NodeId, to: NodeId): Message {
  const type = input.u8();
  if (!networkTypes.has(type)) throw new PeerFormatError(`message type ${type} does not travel between nodes`);
  const flags = input.u8();
  const term = input.u53();
  const logTerm = input.u53();
  const index = input.u53();
  const commit = input.u53();
  const rejectHint = input.u53();
  const count = input.count(13);
  const firstIndex = input.u53();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) entries.push(readEntry(input, firstIndex + i));
  const context = (flags & flagContext) === 0 ? null : input.bytes(maxContextBytes);
  let snapshot: Message["snapshot"] = null;
  if ((flags & flagSnapshot) !== 0) {
    snapshot = {
      index: input.u53(),
      term: input.u53(),
      confState: readConfState(input),
      data: input.bytes(maxSnapshotDataBytes),
    };
  }
  return {
    type: type as MessageType,
    to,
    from,
    term,
    logTerm,
    index,
    entries,
    commit,
    vote: 0,
    reject: (flags & flagReject) !== 0,
    rejectHint,
    context,
    snapshot,
    responses: [],
  };
}

function readEntry(input: ByteReader, index: number): Entry {
  const term = input.u53();
  const type = input.u8();
  if (type !== EntryType.normal && type !== EntryType.confChange && type !== EntryType.confChangeV2) {
    throw new PeerFormatError(`entry type ${type} is unknown`);
  }
  const data = input.bytes(0xffff_ffff);
  return { term, index, type, data: data.length === 0 ? noBytes : data };
}

function writeConfState(out: ByteWriter, state: ConfState): void {
  for (const ids of [state.voters, state.votersOutgoing, state.learners, state.learnersNext]) {
    out.u32(ids.length);
    for (const id of ids) out.f64(id);
  }
  out.u8(state.autoLeave ? 1 : 0);
}

function readConfState(input: ByteReader): ConfState {
  const ids = (): number[] => {
    const list: number[] = [];
    const count = input.count(8);
    for (let i = 0; i < count; i++) list.push(input.u53());
    return list;
  };
  const voters = ids();
  const votersOutgoing = ids();
  const learners = ids();
  const learnersNext = ids();
  return { voters, votersOutgoing, learners, learnersNext, autoLeave: input.u8() === 1 };
}

/** 16 hexadecimal digits in two words; an empty hash is all zero. */
function writeHash(out: ByteWriter, hash: string): void {
  out.u32(hash === "" ? 0 : Number.parseInt(hash.slice(0, 8), 16));
  out.u32(hash === "" ? 0 : Number.parseInt(hash.slice(8, 16), 16));
}

function readHash(input: ByteReader): string {
  const high = input.u32();
  const low = input.u32();
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
