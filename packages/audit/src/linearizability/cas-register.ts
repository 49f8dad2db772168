import type { Model } from "./model.ts";

/** What is done to a register that holds one value; values are compared as text, "nil" is the empty register. */
export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string }
  | { readonly kind: "compareAndSet"; readonly from: string; readonly to: string };

/** A value read, whether a comparison held, or null: nobody learned it. */
export type RegisterOutput = { readonly value: string } | { readonly swapped: boolean } | null;

/** A register with read, write and compare-and-set. */
export const casRegister: Model<string, RegisterInput, RegisterOutput> = {
  initial: () => "nil",
  step(state, input, output) {
    switch (input.kind) {
      case "read":
        return output === null || ("value" in output && output.value === state) ? state : null;
      case "write":
        return input.value;
      case "compareAndSet": {
        const swapped = state === input.from;
        if (output !== null && "swapped" in output && output.swapped !== swapped) return null;
        return swapped ? input.to : state;
      }
    }
  },
  equal: (one, other) => one === other,
  // A value is there now, or is brought by an operation that may come; whether its comparison can hold is not asked.
  foresee(state) {
    const values = new Set([state]);
    return {
      mayCome(input) {
        if (input.kind === "write") values.add(input.value);
        else if (input.kind === "compareAndSet") values.add(input.to);
      },
      canReturn(input, output) {
        if (output === null || input.kind === "write") return true;
        if (input.kind === "read") return "value" in output && values.has(output.value);
        if (!("swapped" in output)) return true;
        return output.swapped ? values.has(input.from) : values.size > 1 || !values.has(input.from);
      },
    };
  },
  hash: hashText,
  isReadOnly: (input, output) =>
    input.kind === "read" || (output !== null && "swapped" in output && output.swapped === false),
  alike: (one, other) => textOf(one) === textOf(other),
  describe(input, output) {
    switch (input.kind) {
      case "read":
        return `read -> ${output !== null && "value" in output ? output.value : "unknown"}`;
      case "write":
        return `write ${input.value}${output === null ? " -> unknown" : ""}`;
      case "compareAndSet": {
        const said = output !== null && "swapped" in output ? (output.swapped ? "done" : "differs") : "unknown";
        return `compare ${input.from} and set ${input.to} -> ${said}`;
      }
    }
  },
};

function textOf(input: RegisterInput): string {
  if (input.kind === "compareAndSet") return `${input.from}>${input.to}`;
  return input.kind === "write" ? input.value : "";
}

/** A 32-bit hash of a text (FNV-1a over its UTF-16 units). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}
