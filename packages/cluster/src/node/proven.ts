import { type Message, MessageType } from "@quorumguard/raft";
import type { Hello } from "./hello-codec.ts";

/** What a node knows of the log while it hears a peer. */
export interface OwnProgress {
  readonly term: number;
  readonly commitIndex: number;
}

/**
 * What a peer must have on its disk, by what it said to this process: acknowledgements and votes leave a node only after its flush. A
 * peer that comes back with less has lost it, or came back with an old copy of its folder.
 */
export class Proven {
  /** It has entered this term. */
  #term = 0;
  /** In that term it held the leader's log up to here; no later leader can have taken it back if the peer never left the term. */
  #index = 0;
  /** It held everything that was committed up to here, which nobody ever takes back. */
  #commit = 0;

  get term(): number {
    return this.#term;
  }

  heard({ type, term, index, reject }: Message, own: OwnProgress): void {
    // Everything else may be said before it is durable.
    if (type !== MessageType.appResp && type !== MessageType.voteResp) return;
    if (term > this.#term) {
      this.#term = term;
      this.#index = 0;
    }
    if (type !== MessageType.appResp || reject || term < this.#term) return;
    this.#index = Math.max(this.#index, index);
    // What is committed here in a term is part of the log of that term's leader, and so of the peer's up to `index`.
    if (term === own.term) this.#commit = Math.max(this.#commit, Math.min(index, own.commitIndex));
  }

  /** What a new process of the peer lacks of it, in words; null: nothing that this node knows of. */
  lackOf({ term, lastIndex }: Pick<Hello, "term" | "lastIndex">): string | null {
    const had = term <= this.#term ? Math.max(this.#index, this.#commit) : this.#commit;
    if (lastIndex < had) return `it had flushed its log up to index ${had}, and its log ends at ${lastIndex}`;
    return term < this.#term ? `it had flushed term ${this.#term}, and comes back in term ${term}` : null;
  }
}
