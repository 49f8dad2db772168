import { hashText } from "./cas-register.ts";
import type { Model, Operation } from "./model.ts";

/** What is done to one key of a store of texts; an absent key reads as the empty text. */
export interface KeyValueInput {
  readonly kind: "get" | "put" | "append";
  readonly key: string;
  /** What is put or appended. */
  readonly value: string;
}

/** The text that a get returned; null: nobody learned it, or a change was acknowledged. */
export type KeyValueOutput = string | null;

/** The text of a key; undefined: one that no get of the history can be told, nor any text that grows from it. */
export type KeyValueState = string | undefined;

/**
 * A store with get, put and append, for one history. No operation touches two keys, so that each key is judged on its own.
 *
 * Texts that nobody ever reads are all alike: however many changes come in whatever order between two reads, only what
 * is read of them makes a difference. That spares the search the orders of changes that nobody saw.
 */
export function createKeyValueModel(
  history: readonly Operation<KeyValueInput, KeyValueOutput>[],
): Model<KeyValueState, KeyValueInput, KeyValueOutput> {
  const told = new Map<string, string[]>();
  for (const { input, output } of history) {
    if (input.kind !== "get" || output === null) continue;
    const texts = told.get(input.key);
    if (texts === undefined) told.set(input.key, [output]);
    else texts.push(output);
  }
  for (const texts of told.values()) texts.sort(byUnits);

  /** The text, if some get was told one that begins with it: in order, the first text from it on is one, or none is. */
  function readable(key: string, text: string): KeyValueState {
    const texts = told.get(key) ?? [];
    let [low, high] = [0, texts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (texts[middle]! < text) low = middle + 1;
      else high = middle;
    }
    return texts[low]?.startsWith(text) === true ? text : undefined;
  }

  return {
    partition: partitionByKey,
    initial: () => "",
    step(state, { kind, key, value }, output) {
      if (kind === "get") return output === null || output === state ? state : null;
      if (kind === "put") return readable(key, value);
      return state === undefined ? undefined : readable(key, state + value);
    },
    equal: (one, other) => one === other,
    // A text only grows until it is replaced: what is read later begins with it, or with what replaces it.
    foresee(state) {
      const beginnings = state === undefined ? [] : [state];
      return {
        mayCome({ kind, value }) {
          if (kind === "put") beginnings.push(value);
        },
        canReturn: ({ kind }, output) =>
          kind !== "get" || output === null || beginnings.some((beginning) => output.startsWith(beginning)),
      };
    },
    hash: (state) => (state === undefined ? 1 : hashText(state)),
    isReadOnly: ({ kind }) => kind === "get",
    alike: (one, other) => one.kind === other.kind && one.value === other.value,
    describe({ kind, key, value }, output) {
      if (kind === "get") return `get ${key} -> ${output === null ? "unknown" : JSON.stringify(output)}`;
      return `${kind} ${key} ${JSON.stringify(value)}`;
    },
  };
}

const byUnits = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function partitionByKey(
  history: readonly Operation<KeyValueInput, KeyValueOutput>[],
): readonly (readonly Operation<KeyValueInput, KeyValueOutput>[])[] {
  const byKey = new Map<string, Operation<KeyValueInput, KeyValueOutput>[]>();
  for (const operation of history) {
    const known = byKey.get(operation.input.key);
    if (known === undefined) byKey.set(operation.input.key, [operation]);
    else known.push(operation);
  }
  return [...byKey.values()];
}
