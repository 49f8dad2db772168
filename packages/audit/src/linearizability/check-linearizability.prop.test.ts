import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { casRegister, type RegisterInput, type RegisterOutput } from "./cas-register.ts";
import { checkLinearizability } from "./check-linearizability.ts";
import { createKeyValueModel, type KeyValueInput, type KeyValueOutput } from "./key-value.ts";
import type { Model, Operation } from "./model.ts";

const never = Number.POSITIVE_INFINITY;

/** Tries every order of every subset that holds all operations that returned. Dumb, and right by definition. */
function hasOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const place = (state: State, left: readonly Operation<Input, Output>[]): boolean => {
    if (left.every(({ returnAt }) => returnAt === never)) return true;
    return left.some((one) => {
      if (left.some((other) => other !== one && other.returnAt < one.callAt)) return false;
      const after = model.step(state, one.input, one.output);
      return (
        after !== null &&
        place(
          after,
          left.filter((other) => other !== one),
        )
      );
    });
  };
  return place(model.initial(), history);
}

const interval = fc.tuple(
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 3 }),
);
const spanOf = ([callAt, length, open]: [number, number, number]) => {
  return { callAt, returnAt: open === 0 ? never : callAt + length };
};
const value = fc.constantFrom("1", "2");

const registerStep: fc.Arbitrary<Operation<RegisterInput, RegisterOutput>> = fc
  .tuple(interval, fc.constantFrom("read", "write", "compareAndSet"), value, value, fc.boolean())
  .map(([times, kind, first, second, flag]) => {
    const span = spanOf(times);
    const unknown = span.returnAt === never;
    const base = { clientId: "c", ...span };
    if (kind === "read") {
      const seen = flag ? first : "nil";
      return { ...base, returnAt: unknown ? base.callAt : base.returnAt, input: { kind }, output: { value: seen } };
    }
    if (kind === "write")
      return { ...base, input: { kind, value: first }, output: unknown ? null : { value: first } } as const;
    const input = { kind: "compareAndSet", from: first, to: second } as const;
    return { ...base, input, output: unknown ? null : { swapped: flag } };
  });

/** Mostly of unknown outcome, with few values: much to spend, and many ways to the same state. */
const openStep: fc.Arbitrary<Operation<RegisterInput, RegisterOutput>> = fc
  .tuple(
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: 4 }),
    fc.constantFrom("read", "write", "compareAndSet", "compareAndSet"),
    fc.constantFrom("1", "2", "3"),
    fc.constantFrom("1", "2", "3"),
    fc.constantFrom(true, false, null, null),
  )
  .map(([callAt, length, kind, first, second, told]) => {
    const base = { clientId: "c", callAt, returnAt: callAt + length };
    if (kind === "read") return { ...base, input: { kind }, output: { value: first } };
    const span = told === null ? { ...base, callAt: callAt >> 1, returnAt: never } : base;
    if (kind === "write")
      return { ...span, input: { kind, value: first }, output: told === null ? null : { value: first } };
    const input = { kind, from: told === null ? first : told ? first : second, to: second };
    return { ...span, input, output: told === null ? null : { swapped: told } };
  });

const optionalStep: fc.Arbitrary<Operation<RegisterInput, RegisterOutput>> = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.boolean(), value, value)
  .map(([callAt, swaps, from, to]) => {
    const input = swaps ? ({ kind: "compareAndSet", from, to } as const) : ({ kind: "write", value: to } as const);
    return { clientId: "c", input, output: null, callAt, returnAt: never };
  });

/** Two writes at once and what is read then, again and again: it can be had for nothing, or by spending what is open. */
const rounds: fc.Arbitrary<Operation<RegisterInput, RegisterOutput>[]> = fc
  .tuple(
    fc.array(optionalStep, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 3 }),
  )
  .map(([open, values]) => {
    const closed = values.flatMap(([first, second, seen], round): Operation<RegisterInput, RegisterOutput>[] => {
      const at = round * 10;
      const write = (text: string) => ({ input: { kind: "write", value: text }, output: { value: text } }) as const;
      return [
        { clientId: "a", ...write(first), callAt: at, returnAt: at + 1 },
        { clientId: "b", ...write(second), callAt: at, returnAt: at + 2 },
        { clientId: "a", input: { kind: "read" }, output: { value: seen }, callAt: at + 3, returnAt: at + 4 },
      ];
    });
    return [...open, ...closed];
  });

interface Add {
  /** From 0 to 2: that counter; 3: the first two together. */
  readonly counter: number;
  readonly add: number;
}

const countersOf = ({ counter }: Add) => (counter === 3 ? [0, 1] : [counter]);

/** Counters in one part: operations on different ones do not conflict, and the check may use that. */
const counters: Model<readonly number[], Add, number | null> = {
  initial: () => [0, 0, 0],
  step(state, { counter, add }, output) {
    if (counter === 3) {
      const sum = state[0]! + state[1]! + add;
      // No more fits: then nothing is added, and only a call of unknown outcome has nothing to say about it.
      if (sum > 5) return output === null ? state : null;
      if (output !== null && sum !== output) return null;
      return [state[0]! + add, state[1]! + add, state[2]!];
    }
    const sum = state[counter]! + add;
    if (output !== null && sum !== output) return null;
    return add === 0 ? state : state.with(counter, sum);
  },
  isReadOnly: ({ add }) => add === 0,
  equal: (one, other) => one.every((sum, at) => sum === other[at]),
  conflicts: (one, other) => countersOf(one).some((counter) => countersOf(other).includes(counter)),
  alike: (one, other) => one.counter === other.counter && one.add === other.add,
  describe: ({ counter, add }, output) => `add ${add} to ${counter} -> ${output}`,
};

const addStep: fc.Arbitrary<Operation<Add, number | null>> = fc
  .tuple(interval, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 5 }))
  .map(([times, counter, add, sum]) => {
    const span = spanOf(times);
    return { clientId: "c", ...span, input: { counter, add }, output: span.returnAt === never ? null : sum };
  });

/** The store in the plainest way, to hold the model with all its short cuts against. */
const plainStore: Model<Readonly<Record<string, string>>, KeyValueInput, KeyValueOutput> = {
  initial: () => ({}),
  step(state, { kind, key, value }, output) {
    const text = state[key] ?? "";
    if (kind === "get") return output === text ? state : null;
    return { ...state, [key]: kind === "put" ? value : text + value };
  },
  equal: () => false,
  describe: ({ kind }) => kind,
};

const storeStep: fc.Arbitrary<Operation<KeyValueInput, KeyValueOutput>> = fc
  .tuple(
    interval,
    fc.constantFrom("get", "get", "put", "append"),
    fc.constantFrom("k", "k", "l"),
    fc.constantFrom("a", "b"),
    fc.constantFrom("", "a", "b", "ab", "ba", "aa"),
  )
  .map(([times, kind, key, value, text]) => {
    const span = spanOf(times);
    if (kind !== "get") return { clientId: "c", ...span, input: { kind, key, value }, output: null };
    const returnAt = Math.min(span.returnAt, span.callAt + 6);
    return { clientId: "c", callAt: span.callAt, returnAt, input: { kind, key, value: "" }, output: text };
  });

const upTo = <T>(maxLength: number, step: fc.Arbitrary<T>) => fc.array(step, { minLength: 1, maxLength });

function holds<State, Input, Output>(
  model: Model<State, Input, Output>,
  histories: fc.Arbitrary<readonly Operation<Input, Output>[]>,
  check = (history: readonly Operation<Input, Output>[]) => checkLinearizability(model, history).verdict,
): { readonly legal: number; readonly illegal: number } {
  const seen = { legal: 0, illegal: 0 };
  fc.assert(
    fc.property(histories, (history) => {
      const expected = hasOrder(model, history);
      if (expected) seen.legal++;
      else seen.illegal++;
      expect(check(history)).toBe(expected ? "ok" : "illegal");
    }),
    { numRuns: 1_200 },
  );
  return seen;
}

describe("the search agrees with trying every order", () => {
  test("on histories of a register, with operations of unknown outcome", () => {
    const { legal, illegal } = holds(casRegister, upTo(7, registerStep));
    expect(Math.min(legal, illegal)).toBeGreaterThan(50);
  });

  test("on histories of a register of which much is of unknown outcome, with foresight and without", () => {
    const { foresee: _, ...blind } = casRegister;
    const { alike: __, ...strict } = blind;
    for (const model of [casRegister, blind, strict]) {
      for (const histories of [upTo(8, openStep), rounds]) {
        const { legal, illegal } = holds(model, histories);
        expect(Math.min(legal, illegal)).toBeGreaterThan(50);
      }
    }
  });

  test("on histories of a store, whose model looks ahead and forgets what nobody reads", () => {
    const check = (history: readonly Operation<KeyValueInput, KeyValueOutput>[]) =>
      checkLinearizability(createKeyValueModel(history), history).verdict;
    const { legal, illegal } = holds(plainStore, upTo(7, storeStep), check);
    expect(Math.min(legal, illegal)).toBeGreaterThan(50);
  });

  test("on histories of counters of which some operations do not conflict", () => {
    const { legal, illegal } = holds(counters, upTo(7, addStep));
    expect(Math.min(legal, illegal)).toBeGreaterThan(50);
  });

  test("on histories of counters of which nobody says what conflicts", () => {
    const { conflicts: _, ...plain } = counters;
    const { legal, illegal } = holds(plain, upTo(7, addStep));
    expect(Math.min(legal, illegal)).toBeGreaterThan(50);
  });

  test("on longer histories with few sums to choose from", () => {
    const likely = addStep.map((step) => ({
      ...step,
      input: { counter: step.input.counter === 2 ? 0 : step.input.counter, add: 1 },
      output: step.output === null ? null : 1 + (step.output % 3),
    }));
    const { legal, illegal } = holds(counters, upTo(8, likely));
    expect(Math.min(legal, illegal)).toBeGreaterThan(50);
  });
});
