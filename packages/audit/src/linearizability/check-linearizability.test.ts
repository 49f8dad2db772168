import { describe, expect, test } from "vitest";
import { casRegister, type RegisterInput, type RegisterOutput } from "./cas-register.ts";
import { type CheckOptions, checkLinearizability } from "./check-linearizability.ts";
import { createKeyValueModel, type KeyValueInput, type KeyValueOutput } from "./key-value.ts";
import type { Operation } from "./model.ts";

type Step = Operation<RegisterInput, RegisterOutput>;

const never = Number.POSITIVE_INFINITY;
const read = (callAt: number, returnAt: number, value: string): Step => {
  return { clientId: "reader", input: { kind: "read" }, output: { value }, callAt, returnAt };
};
const write = (callAt: number, returnAt: number, value: string): Step => {
  const output = returnAt === never ? null : { value };
  return { clientId: "writer", input: { kind: "write", value }, output, callAt, returnAt };
};
const swap = (callAt: number, returnAt: number, from: string, to: string, swapped: boolean | null): Step => {
  const output = swapped === null ? null : { swapped };
  return { clientId: "swapper", input: { kind: "compareAndSet", from, to }, output, callAt, returnAt };
};
const judge = (history: readonly Step[]) => checkLinearizability(casRegister, history).verdict;

const judgeStore = (history: readonly Operation<KeyValueInput, KeyValueOutput>[], limits: CheckOptions = {}) =>
  checkLinearizability(createKeyValueModel(history), history, limits);

describe("linearizability of a register", () => {
  test("accepts an empty history and operations one after the other", () => {
    expect(judge([])).toBe("ok");
    expect(judge([read(0, 1, "nil"), write(2, 3, "1"), read(4, 5, "1"), swap(6, 7, "1", "2", true)])).toBe("ok");
  });

  test("refuses a stale read: the write had returned before the read was called", () => {
    expect(judge([write(0, 1, "1"), read(2, 3, "nil")])).toBe("illegal");
    expect(judge([write(0, 1, "1"), write(2, 3, "2"), read(4, 5, "1")])).toBe("illegal");
  });

  test("accepts either value while the write is going on, but not the old one after the new one was read", () => {
    expect(judge([write(0, 10, "1"), read(1, 2, "nil"), read(3, 4, "1")])).toBe("ok");
    expect(judge([write(0, 10, "1"), read(1, 2, "1"), read(3, 4, "nil")])).toBe("illegal");
  });

  test("refuses a lost update: two swaps from one value both done", () => {
    expect(judge([swap(0, 5, "nil", "1", true), swap(1, 6, "nil", "2", true)])).toBe("illegal");
    expect(judge([swap(0, 5, "nil", "1", true), swap(1, 6, "nil", "2", false)])).toBe("ok");
  });

  test("intervals are closed: a call at the very moment of a return may still come before it", () => {
    expect(judge([write(0, 5, "1"), read(5, 6, "nil")])).toBe("ok");
    expect(judge([write(0, 5, "1"), read(5.5, 6, "nil")])).toBe("illegal");
  });

  test("a write of unknown outcome may be seen much later", () => {
    expect(judge([write(0, never, "9"), write(1, 2, "1"), read(3, 4, "1"), read(100, 101, "9")])).toBe("ok");
  });

  test("a write of unknown outcome may never have happened, yet once seen it stays", () => {
    expect(judge([write(0, never, "9"), read(1, 2, "nil"), read(3, 4, "nil")])).toBe("ok");
    expect(judge([write(0, never, "9"), read(1, 2, "9"), read(3, 4, "nil")])).toBe("illegal");
  });

  test("a write of unknown outcome cannot be seen before it was called, nor twice", () => {
    expect(judge([read(0, 1, "9"), write(2, never, "9")])).toBe("illegal");
    const between = [write(1, 2, "1"), read(3, 4, "9"), write(5, 6, "2"), read(7, 8, "9")];
    expect(judge([write(0, never, "9"), ...between])).toBe("illegal");
    expect(judge([write(0, never, "9"), write(0, never, "9"), ...between])).toBe("ok");
  });

  test("a swap of unknown outcome may have found another value", () => {
    expect(judge([swap(0, never, "5", "6", null), read(1, 2, "nil"), write(3, 4, "5"), read(5, 6, "5")])).toBe("ok");
    expect(judge([swap(0, never, "5", "6", null), read(1, 2, "nil"), write(3, 4, "5"), read(5, 6, "6")])).toBe("ok");
  });

  test("explains an illegal history by the longest order that fits and by what cannot follow it", () => {
    const { foresee: _, ...blind } = casRegister;
    const { verdict, explanation } = checkLinearizability(blind, [write(0, 1, "7"), read(2, 3, "8")]);
    expect(verdict).toBe("illegal");
    expect(explanation.join("\n")).toMatch(/longest that does has 1:\n.*write 7\n.*none can:\n.*read -> 8/);
  });

  test("explains it by what nothing can lead to, where the model foresaw that", () => {
    const explain = (history: readonly Step[]) => checkLinearizability(casRegister, history).explanation.join("\n");
    expect(explain([write(0, 1, "7"), write(2, 3, "6"), read(4, 5, "8")])).toMatch(
      /longest that does has 0:\nthen nothing that may come leads to this:\n.*read -> 8$/,
    );
    expect(explain([write(0, 1, "7"), write(2, 3, "8"), read(4, 5, "7")])).toMatch(
      /longest that does has 2:\n.*write 7\n.*write 8\nthen nothing that may come leads to this:\n.*read -> 7$/,
    );
  });

  test("names the operation whose interval is none", () => {
    expect(() => judge([read(3, 2, "nil")])).toThrow(/operation 0 of reader: returnAt 2 must not be before callAt 3/);
    expect(() => judge([read(Number.NaN, 2, "nil")])).toThrow(RangeError);
  });
});

describe("the search turns back early", () => {
  const many = <T>(count: number, make: (at: number) => T | readonly T[]): T[] =>
    Array.from({ length: count }, (_, at) => make(at)).flat() as T[];
  const stepsToRefuse = (history: readonly Step[]) => {
    const { verdict, steps } = checkLinearizability(casRegister, history, { maxSteps: 5_000 });
    expect(verdict).toBe("illegal");
    return steps;
  };

  test("where nobody can write any more what somebody has read, or found in a swap", () => {
    const writes = many(24, (at) => write(0, 100, String(at)));
    expect(stepsToRefuse([...writes, read(101, 102, "none of them")])).toBe(1);
    expect(stepsToRefuse([...writes, swap(101, 102, "none of them", "1", true)])).toBe(1);
    const empty = many(24, () => write(0, 100, "nil"));
    expect(stepsToRefuse([...empty, swap(101, 102, "nil", "nil", false)])).toBe(1);
  });

  test("where an operation of unknown outcome would make no difference to the next", () => {
    const open = many(14, (at) => write(0, never, String(at)));
    const history = [...open, write(1, 2, "a"), write(3, 4, "b"), read(5, 6, "a")];
    expect(stepsToRefuse(history)).toBeLessThan(1_000);
  });

  test("where it came to the same state before, with less spent of what is of unknown outcome", () => {
    // From b to a by way of every number: as long as the writes may come in the other order, none is needed.
    const open = many(6, (at) => [swap(0, never, "b", String(at), null), swap(0, never, String(at), "a", null)]);
    const rounds = many(4, (at) => {
      const from = at * 10;
      return [write(from, from + 1, "b"), write(from, from + 2, "a"), read(from + 3, from + 4, "a")];
    });
    const history = [...open, ...rounds, write(90, 91, "c"), write(92, 93, "d"), read(94, 95, "c")];
    expect(stepsToRefuse(history)).toBeLessThan(3_000);
  });

  test("but not where it came to the same state with more spent, and needs that later", () => {
    // The first order tried is a, b, and the swap at once: then nothing brings the second a.
    const together = [write(1, 2, "a"), write(1, 3, "b"), read(4, 5, "a")];
    const again = [write(6, 7, "b"), read(8, 9, "a")];
    expect(judge([swap(0, never, "b", "a", null), ...together, ...again])).toBe("ok");
    expect(judge([swap(0, never, "b", "a", null), ...together, ...again, write(10, 11, "b"), read(12, 13, "a")])).toBe(
      "illegal",
    );
  });

  test("but not from what only an operation of unknown outcome brings", () => {
    const seen = [write(1, 2, "a"), read(3, 4, "9"), swap(5, 6, "8", "7", true)];
    expect(judge([swap(0, never, "a", "9", null), write(0, never, "8"), ...seen])).toBe("ok");
    expect(judge([swap(0, never, "a", "9", null), swap(0, never, "a", "8", null), ...seen])).toBe("illegal");
    expect(judge([swap(0, never, "a", "9", null), swap(0, never, "9", "8", null), ...seen])).toBe("ok");
    expect(judge([swap(0, 1, "nil", "1", false), write(0, never, "2")])).toBe("ok");
  });
});

describe("limits of a check", () => {
  // Every subset of the writes is another configuration, and none of them explains both reads.
  const writes = Array.from({ length: 24 }, (_, at) => write(0, 100, String(at)));
  const hard = [...writes, read(101, 102, "1"), read(103, 104, "2")];

  test("gives up after its steps, with verdict unknown", () => {
    const { verdict, steps } = checkLinearizability(casRegister, hard, { maxSteps: 5_000 });
    expect(verdict).toBe("unknown");
    expect(steps).toBeLessThan(7_000);
  });

  test("gives up when the injected clock says so", () => {
    let nowMs = 0;
    const result = checkLinearizability(casRegister, hard, { timeLimitMs: 10, nowMs: () => nowMs++ });
    expect(result.verdict).toBe("unknown");
  });

  test("one illegal part decides, whatever could not be answered elsewhere", () => {
    const byClient = {
      ...casRegister,
      partition: (history: readonly Step[]) => [
        history.filter(({ clientId }) => clientId !== "other"),
        history.filter(({ clientId }) => clientId === "other"),
      ],
    };
    const limits = { maxSteps: 5_000 };
    const other = (step: Step): Step => ({ ...step, clientId: "other" });
    expect(checkLinearizability(byClient, [...hard, other(read(0, 1, "nil"))], limits).verdict).toBe("unknown");
    expect(checkLinearizability(byClient, [...hard, other(read(0, 1, "1"))], limits).verdict).toBe("illegal");
  });
});

describe("linearizability of a key-value store", () => {
  const step = (
    kind: KeyValueInput["kind"],
    key: string,
    value: string,
    callAt: number,
    returnAt: number,
  ): Operation<KeyValueInput, KeyValueOutput> => {
    const output = kind === "get" ? value : null;
    return { clientId: "c", input: { kind, key, value: kind === "get" ? "" : value }, output, callAt, returnAt };
  };

  test("keys do not influence each other", () => {
    const history = [
      step("put", "a", "1", 0, 1),
      step("append", "b", "x", 0, 5),
      step("append", "b", "y", 0, 5),
      step("get", "b", "yx", 6, 7),
      step("get", "a", "1", 8, 9),
    ];
    expect(judgeStore(history)).toMatchObject({ verdict: "ok", parts: 2 });
    const stale = [...history, step("get", "b", "y", 10, 11)];
    expect(judgeStore(stale).verdict).toBe("illegal");
  });

  test("a long history of many clients is judged without recursion", () => {
    const history: Operation<KeyValueInput, KeyValueOutput>[] = [];
    let text = "";
    for (let at = 0; at < 5_000; at++) {
      text = at % 50 === 0 ? "" : `${text}${at % 10}`;
      if (at % 50 === 0) history.push(step("put", "k", "", at * 10, at * 10 + 15));
      else history.push(step("append", "k", String(at % 10), at * 10, at * 10 + 9));
    }
    history.push(step("get", "k", text, 300_000, 300_001));
    expect(judgeStore(history).verdict).toBe("ok");
  });
});
