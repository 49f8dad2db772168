import { createMessage, type Message, MessageType } from "../../../packages/raft/src/index.ts";
import { createSingle, lead, type Single } from "../../../packages/raft/src/testing/single.ts";
import { ENTRY_BYTES, type HotPath } from "./hot-path.ts";

const ENTRIES = 256;

/** What is in the log's past is cut off, as a node does after an image. */
function cut({ raft, storage }: Single): void {
  if (storage.lastIndex() > storage.firstIndex()) storage.compact(Math.min(storage.lastIndex(), raft.commitIndex));
}

/** The leader of three takes a proposal to its commit: append, replicate, flush, the acknowledgement of one follower, apply. */
export function raftLead(): HotPath {
  const single = createSingle();
  lead(single);
  const { raft } = single;
  const data = [new Uint8Array(ENTRY_BYTES)];
  const answerOf = (from: number): void => {
    const answer = createMessage(MessageType.appResp, 1);
    answer.from = from;
    answer.term = raft.term;
    answer.index = raft.lastIndex;
    raft.step(answer);
  };
  const acknowledge = (): void => {
    answerOf(2);
    // The commit is there; this one is late.
    answerOf(3);
    single.sentAfterFlush();
  };
  acknowledge();
  return {
    unit: "entries",
    operations: ENTRIES,
    prepare: () => cut(single),
    run() {
      for (let i = 0; i < ENTRIES; i++) {
        const before = raft.commitIndex;
        if (raft.propose(data) !== null) throw new Error("a proposal was refused");
        single.sentAfterFlush();
        acknowledge();
        if (raft.commitIndex !== before + 1) throw new Error("an entry was not committed");
      }
    },
  };
}

/** A follower appends what the leader sends, and acknowledges it after its flush. */
export function raftFollow(): HotPath {
  const single = createSingle();
  const { raft } = single;
  const data = new Uint8Array(ENTRY_BYTES);
  const append = (): Message => {
    const message = createMessage(MessageType.app, 1);
    message.from = 2;
    message.term = 1;
    message.index = raft.lastIndex;
    message.logTerm = raft.lastIndex === 0 ? 0 : 1;
    message.commit = raft.lastIndex;
    message.entries = [{ term: 1, index: raft.lastIndex + 1, type: 0, data }];
    return message;
  };
  return {
    unit: "entries",
    operations: ENTRIES,
    prepare: () => cut(single),
    run() {
      for (let i = 0; i < ENTRIES; i++) {
        raft.step(append());
        if (single.sentAfterFlush().length === 0) throw new Error("an append was not acknowledged");
      }
    },
  };
}
