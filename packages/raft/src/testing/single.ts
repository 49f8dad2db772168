import { createMemoryStorage, type MemoryStorage } from "../log/memory-storage.ts";
import { RaftNode } from "../raft-node.ts";
import type { Entry, HardState, Message, NodeId, RaftOptions } from "../types.ts";
import { appendThread } from "../types.ts";

/** One core with asynchronous storage, its messages read by hand. */
export interface Single {
  readonly raft: RaftNode;
  readonly storage: MemoryStorage;
  /** Messages for other nodes that may go out now. */
  sent(): readonly Message[];
  /** As `sent`, with every write flushed: what waited for them goes out as well. */
  sentAfterFlush(): readonly Message[];
  /** Writes handed to storage and not flushed. */
  readonly writes: Message[];
}

/** What the node found on its disk, and its options. */
export interface SingleOptions extends Partial<Omit<RaftOptions, "id" | "storage">> {
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly hardState?: HardState;
  readonly entries?: readonly Entry[];
}

/** Node 1 of a group, by default of three. The election timeout is always the shortest, 10 ticks. */
export function createSingle(options: SingleOptions = {}): Single {
  const { voters = [1, 2, 3], learners = [], hardState, entries = [], ...raftOptions } = options;
  const storage = createMemoryStorage({
    voters,
    votersOutgoing: [],
    learners,
    learnersNext: [],
    autoLeave: false,
  });
  storage.append(entries);
  if (hardState !== undefined) storage.setHardState(hardState);
  const raft = new RaftNode({
    applied: 0,
    electionTimeoutTicks: 10,
    heartbeatTicks: 1,
    asyncStorageWrites: true,
    preVote: false,
    checkQuorum: false,
    random: () => 0,
    ...raftOptions,
    id: 1,
    storage,
  });
  const writes: Message[] = [];
  const take = (): Message[] => {
    if (!raft.hasReady()) return [];
    const { messages } = raft.ready();
    for (const write of messages.filter(({ to }) => to === appendThread)) {
      storage.append(write.entries);
      if (write.snapshot !== null) storage.applySnapshot(write.snapshot);
      writes.push(write);
    }
    const applies = messages.filter(({ to }) => to < appendThread);
    for (const { responses } of applies) for (const response of responses) raft.step(response);
    return messages.filter(({ to }) => to > 0);
  };
  return {
    raft,
    storage,
    writes,
    sent: take,
    sentAfterFlush() {
      const sent: Message[] = [];
      while (raft.hasReady() || writes.length > 0) {
        sent.push(...take());
        for (const { responses } of writes.splice(0)) {
          for (const response of responses) {
            if (response.to === 1) raft.step(response);
            else sent.push(response);
          }
        }
      }
      return sent;
    },
  };
}

/** Makes node 1 leader with the votes of nodes 2 and up, and lets it flush its first entry. */
export function lead(single: Single): void {
  const { raft } = single;
  raft.campaign();
  const requests = single.sentAfterFlush();
  for (const request of requests) {
    if (raft.softState.state === "leader") break;
    raft.step({
      ...request,
      type: (request.type + 1) as Message["type"],
      from: request.to,
      to: 1,
      index: 0,
      logTerm: 0,
    });
    single.sentAfterFlush();
  }
  if (raft.softState.state !== "leader") throw new Error("node 1 did not become leader");
}
