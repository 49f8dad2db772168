import type { Answer } from "./answer.ts";
import type { Arena } from "./arena.ts";

/** Something that a stranger may try, and how it is refused. */
export interface HostileCase {
  /** What is tried, as a sentence's beginning; with its group it names the case. */
  readonly name: string;
  /** Tries it. */
  readonly send: (arena: Arena) => Promise<Answer>;
  /** Of HTTP; a list: whichever part of nginx speaks first. 0: the connection is ended. */
  readonly status: number | readonly number[];
  /** Connect's code; left out where the refusal is nginx's own page. */
  readonly code?: string;
  /** ErrorReason by its name; left out where no node was asked, or the code says it all. */
  readonly reason?: string;
  /** The whole body, where a node answers with the same status: it tells who refused. */
  readonly body?: string;
}
