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

/** A store with get, put and append. No operation touches two keys, so that each key is judged on its own. */
export const keyValueStore: Model<string, KeyValueInput, KeyValueOutput> = {
  partition(history) {
    const byKey = new Map<string, Operation<KeyValueInput, KeyValueOutput>[]>();
    for (const operation of history) {
      const known = byKey.get(operation.input.key);
      if (known === undefined) byKey.set(operation.input.key, [operation]);
      else known.push(operation);
    }
    return [...byKey.values()];
  },
  initial: () => "",
  step(state, { kind, value }, output) {
    if (kind === "get") return output === null || output === state ? state : null;
    return kind === "put" ? value : state + value;
  },
  equal: (one, other) => one === other,
  hash: hashText,
  isReadOnly: ({ kind }) => kind === "get",
  alike: (one, other) => one.kind === other.kind && one.value === other.value,
  describe({ kind, key, value }, output) {
    if (kind === "get") return `get ${key} -> ${output === null ? "unknown" : JSON.stringify(output)}`;
    return `${kind} ${key} ${JSON.stringify(value)}`;
  },
};
