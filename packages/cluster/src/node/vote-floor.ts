import { type Message, MessageType, type RaftStorage } from "@quorumguard/raft";

/**
 * The end of a node's abstention (SEMANTICS N2 b). It dropped a frame that it may have acknowledged, so until its log reaches the
 * best that the other voters told it of, it votes only for logs at least as good, and stands for nothing itself.
 */
export class VoteFloor {
  readonly #storage: RaftStorage;
  #term = 0;
  #index = 0;
  #holds = false;

  constructor(storage: RaftStorage) {
    this.#storage = storage;
  }

  raise(term: number, index: number): void {
    this.#term = term;
    this.#index = index;
    this.#holds = true;
  }

  /** Whether the own log is still below the floor. */
  get holds(): boolean {
    if (!this.#holds) return false;
    const lastIndex = this.#storage.lastIndex();
    const lastTerm = this.#storage.term(lastIndex);
    if (typeof lastTerm === "number" && isUpToDate(lastTerm, lastIndex, this.#term, this.#index)) this.#holds = false;
    return this.#holds;
  }

  /** Whether the core must not see this message. */
  refuses(message: Message): boolean {
    if (!this.holds) return false;
    const { type } = message;
    if (type === MessageType.timeoutNow) return true;
    // A leader that still counts the lost end says how much of it is committed; it hands over, and its successor counts anew.
    if (type === MessageType.heartbeat) return message.commit > this.#storage.lastIndex();
    if (type !== MessageType.vote && type !== MessageType.preVote) return false;
    return !isUpToDate(message.logTerm, message.index, this.#term, this.#index);
  }
}

/** Whether a log that ends with (term, index) is at least as up to date as the other (thesis §3.6.1). */
export function isUpToDate(term: number, index: number, otherTerm: number, otherIndex: number): boolean {
  return term > otherTerm || (term === otherTerm && index >= otherIndex);
}
