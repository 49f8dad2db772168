/**
 * Writes so many answers in each turn of the event loop, in order, and the rest in the next ones. An entry decides many calls at once;
 * were all their answers written in one go, callers would wait for the last of them, then ask all at once, while this node waits for them.
 * And a thousand answers must not keep a leader from its heartbeats.
 */
export class ReplyTurns {
  readonly #perTurn: number;
  readonly #nextTurn: (turn: () => void) => void;
  #left: number;
  #scheduled = false;
  #waiting: (() => void)[] = [];

  /** `nextTurn` runs what it is given in the next turn of the event loop. */
  constructor(perTurn: number, nextTurn: (turn: () => void) => void = setImmediate) {
    this.#perTurn = perTurn;
    this.#nextTurn = nextTurn;
    this.#left = perTurn;
  }

  /** Runs `reply` now if this turn has room, else in a later one. */
  run(reply: () => void): void {
    if (this.#left === 0) {
      this.#waiting.push(reply);
      return;
    }
    this.#left -= 1;
    this.#schedule();
    reply();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    this.#waiting = waiting.splice(this.#perTurn);
    this.#left = this.#perTurn - waiting.length;
    if (waiting.length > 0) this.#schedule();
    for (const reply of waiting) reply();
  }
}
