import { createMessage, type MutableMessage } from "../message.ts";
import { type Entry, EntryType, type Message, type MessageType } from "../types.ts";

/** A message of `type` from node 2 to node 1, unless `fields` say otherwise. */
export function message(type: MessageType, fields: Partial<MutableMessage>): Message {
  return { ...createMessage(type, 1), from: 2, ...fields };
}

/** A normal entry whose data is `text`. */
export function entry(term: number, index: number, text = ""): Entry {
  return { term, index, type: EntryType.normal, data: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) };
}

/** Consecutive entries of the given terms from index 1 on, or after `before`. */
export function entriesOfTerms(terms: readonly number[], before = 0): readonly Entry[] {
  return terms.map((term, position) => entry(term, before + position + 1, `${term}.${before + position + 1}`));
}
