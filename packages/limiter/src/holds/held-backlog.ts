import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { DuePlace } from "./open-holds.ts";

/**
 * How far the keys with open holds were looked through since a rule took over: part of it is left to the entries that
 * follow when there are many. In the order in which the holds are due; one that becomes due later moves on in it.
 */
export class HeldBacklog {
  #isOpen = false;
  /** Another rule took over meanwhile: once more from the start. */
  #isAgain = false;
  #dueUs = 0;
  #number = 0;
  /** What the entry may still do; not part of the state. */
  stepsLeft = 0;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The hold that was looked at last. */
  get place(): DuePlace {
    return { dueUs: this.#dueUs, number: this.#number };
  }

  /** A rule took over. */
  open(): void {
    if (this.#isOpen) this.#isAgain = true;
    else this.#start(true);
  }

  goTo({ dueUs, number }: DuePlace): void {
    this.#dueUs = dueUs;
    this.#number = number;
  }

  /** The end of the order was reached. */
  endLap(): void {
    this.#start(this.#isAgain);
  }

  #start(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#isAgain = false;
    this.#dueUs = 0;
    this.#number = 0;
  }

  save(meta: MetaWriter): void {
    meta.number((this.#isOpen ? 1 : 0) + (this.#isAgain ? 2 : 0));
    meta.number(this.#dueUs);
    meta.number(this.#number);
  }

  load(meta: MetaReader): void {
    const flags = meta.number();
    this.#isOpen = (flags & 1) !== 0;
    this.#isAgain = (flags & 2) !== 0;
    this.#dueUs = meta.number();
    this.#number = meta.number();
  }
}
