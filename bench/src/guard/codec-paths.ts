import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../../packages/cluster/src/node/peer-codec.ts";
import { encodeFrame, type Frame } from "../../../packages/cluster/src/storage/log-frame.ts";
import { createMessage, type Entry, EntryType, MessageType } from "../../../packages/raft/src/index.ts";
import { ENTRY_BYTES, type HotPath } from "./hot-path.ts";

const FRAMES = 256;
/** Where what is written is copied into a buffer outside the heap, for which rubbish is collected soon: with more, that would be in half of the blocks. */
const COPIES = 64;
const INDEX = 1_234_567;
const TERM = 7;

const entry: Entry = {
  ...{ term: TERM, index: INDEX + 1, type: EntryType.normal },
  data: Uint8Array.from({ length: ENTRY_BYTES }, (_, at) => at * 31),
};

/** What the leader says with an entry, and what the follower says with its acknowledgement. */
function envelopes(): readonly [Envelope, Envelope] {
  const append = createMessage(MessageType.app, 2);
  append.term = TERM;
  append.logTerm = TERM;
  append.index = INDEX;
  append.commit = INDEX - 1;
  append.entries = [entry];
  const answer = createMessage(MessageType.appResp, 1);
  answer.term = TERM;
  answer.index = INDEX + 1;
  const facts = {
    ...{ stampUs: 1_763_000_000_000_000, stampLive: true, stampTerm: TERM, wallUs: 1_763_000_000_000_500 },
    ...{ probeMs: 12_345.678, probeWallMs: 1_763_000_000_000.5, echoMs: 12_344.321, echoWallMs: 1_763_000_000_000.25 },
    ...{ hashIndex: INDEX - 100, hash: "0123456789abcdef" },
  };
  return [
    { ...facts, messages: [append] },
    { ...facts, messages: [answer] },
  ];
}

function path(unit: string, operations: number, frame: () => void): HotPath {
  return {
    unit,
    operations,
    prepare() {},
    run() {
      for (let i = 0; i < operations; i++) frame();
    },
  };
}

/** What an entry is on its way between two nodes: the leader writes it, and a follower its acknowledgement. */
export function peerEncode(): HotPath {
  const [append, answer] = envelopes();
  return path("entries and their acknowledgements", COPIES, () => {
    encodeEnvelope(append);
    encodeEnvelope(answer);
  });
}

/** The same, read by whom it is for. */
export function peerDecode(): HotPath {
  const [append, answer] = envelopes().map(encodeEnvelope) as [Uint8Array, Uint8Array];
  return path("entries and their acknowledgements", FRAMES, () => {
    const { messages } = decodeEnvelope(append, 1, 2);
    if (messages[0]?.entries.length !== 1) throw new Error("an entry was not read");
    decodeEnvelope(answer, 2, 1);
  });
}

/** A node writes an entry into its log, as it is flushed. */
export function logEncode(): HotPath {
  const hardState = { term: TERM, vote: 1, commit: INDEX };
  const frame: Frame = { hardState, entries: [entry], reset: null, abstains: false };
  let sequence = INDEX;
  return path("frames of one entry", COPIES, () => void encodeFrame(frame, ++sequence, 0x5eed));
}
