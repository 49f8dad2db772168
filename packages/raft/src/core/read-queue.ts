import type { NodeId } from "../types.ts";

/** Reads waiting for one answer of the group; more are refused, so that a silent quorum cannot fill memory. */
const maxPendingReads = 65_536;

/** Who asked, and under which mark the answer is to arrive. */
export interface ReadRequest {
  readonly from: NodeId;
  readonly context: Uint8Array;
}

/** Reads that one round of heartbeats confirms. */
export interface ReadRound {
  readonly number: number;
  /** The commit index when the round began. */
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

/**
 * Reads on a leader (thesis §6.4). Requests collect until the next round begins; a round's number is never used again, so an
 * answer that was delayed by a pause can only confirm reads that were asked before the question left.
 */
export class ReadQueue {
  #waiting: ReadRequest[] = [];
  #rounds: ReadRound[] = [];
  #lastRound = 0;
  #count = 0;

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get hasOpenRound(): boolean {
    return this.#rounds.length > 0;
  }

  /** The newest round that was begun. */
  get lastRound(): number {
    return this.#lastRound;
  }

  /** @returns false if the queue is full. */
  add(request: ReadRequest): boolean {
    if (this.#count >= maxPendingReads) return false;
    this.#count++;
    this.#waiting.push(request);
    return true;
  }

  beginRound(index: number): void {
    this.#lastRound++;
    this.#rounds.push({ number: this.#lastRound, index, requests: this.#waiting });
    this.#waiting = [];
  }

  /** Rounds up to `confirmed` leave the queue, oldest first. */
  takeConfirmed(confirmed: number): readonly ReadRound[] {
    let count = 0;
    while (count < this.#rounds.length && this.#rounds[count]!.number <= confirmed) count++;
    const taken = this.#rounds.splice(0, count);
    for (const round of taken) this.#count -= round.requests.length;
    return taken;
  }

  /** Drops everything; round numbers go on. */
  reset(): void {
    this.#waiting = [];
    this.#rounds = [];
    this.#count = 0;
  }
}

/** A round's number as the context of its heartbeats. */
export function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(round));
  return bytes;
}

/** The inverse of `encodeRound`; 0, which is no round, for anything else. */
export function decodeRound(context: Uint8Array | null): number {
  if (context === null || context.length !== 8) return 0;
  return Number(new DataView(context.buffer, context.byteOffset, 8).getBigUint64(0));
}
