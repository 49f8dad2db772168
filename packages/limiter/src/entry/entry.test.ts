import fc from "fast-check";
import { expect, it } from "vitest";
import { createLimiter } from "../create-limiter.ts";
import type { Operation } from "../entry.ts";
import { batchOf, bucket, Harness, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { Verb } from "../verb.ts";
import { EntryError } from "./entry-error.ts";
import { createEntryWriter, encodeOperation } from "./entry-writer.ts";
import { decodeOperation, readEntry } from "./read-entry.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

const session = { index: 12_345_678_901, position: 7 };
const batch = batchOf(
  [
    [{ key: "é", rule: windowLog(5, 1_000) }],
    [
      { key: "b", rule: bucket(1, 34_560_000_000_000, 9, "päg"), cost: 9 },
      { key: "c", rule: windowLog(0, 5_000) },
    ],
  ],
  9_000_000_000,
);
const operations: Operation[] = [
  { kind: "calls", origin: { kind: "session", session, nonce: nonceOf(3), ackedThrough: 2 ** 40 }, batch },
  { kind: "calls", origin: { kind: "anonymous", namespace: "" }, batch: { ...batch, firstNumber: 0 } },
  {
    kind: "calls",
    origin: { kind: "request", namespace: "n", identity: "ïd", requestId: "r" },
    batch: batchOf([[{ key: "k", rule: windowLog(1, 1_000) }]]),
  },
  {
    kind: "calls",
    origin: { kind: "anonymous", namespace: "n" },
    batch: batchOf([
      [{ key: "a", rule: windowLog(1, 1_000), verb: Verb.reset }],
      [
        { key: "b", rule: windowLog(1, 1_000) },
        { key: "c", rule: windowLog(1, 1_000) },
      ],
      [{ key: "d", rule: windowLog(1, 1_000), cost: 7, verb: Verb.reserve, ttlMs: 34_560_000_000 }],
      [{ key: "e", rule: windowLog(1, 1_000), cost: 2, verb: Verb.giveBack, handle: Number.MAX_SAFE_INTEGER }],
    ]),
  },
  { kind: "register", nonce: nonceOf(1), helloStampUs: START_US, namespace: "日本" },
  { kind: "renew", session, nonce: nonceOf(2), ackedThrough: 5 },
  { kind: "goodbye", session, nonce: nonceOf(2) },
  { kind: "bounds", bounds: createLimiter().bounds },
];

/** The parts of an operation that mean something; absent columns are what they stand for. */
function meaning(operation: Operation): unknown {
  if (operation.kind !== "calls") return operation;
  const { keyBytes, keyStarts, keyLengths, items, rules, calls, firstNumber, ...columns } = operation.batch;
  const keys = Array.from({ length: items }, (_, i) => decodeUtf8(keyBytes, keyStarts[i]!, keyLengths[i]!));
  const sizes = columns.sizes ?? new Uint32Array(calls).fill(1);
  return {
    ...operation,
    batch: { firstNumber, calls, rules, keys, ...columns, sizes },
  };
}

it("an operation comes back as it was written", () => {
  for (const operation of operations) {
    expect(meaning(decodeOperation(encodeOperation(operation)))).toEqual(meaning(operation));
  }
});

it("an entry of operations that other nodes encoded reads as if it had been written here", () => {
  const writer = createEntryWriter();
  writer.begin({ takeover: true });
  for (const [i, operation] of operations.entries()) expect(writer.operation(encodeOperation(operation))).toBe(i);
  expect(writer).toMatchObject({ operations: 8, items: 12 });
  const read = readEntry(writer.finish(START_US));
  expect(read).toMatchObject({ takeover: true, stampUs: START_US });
  expect([...read.operations].map(meaning)).toEqual(operations.map(meaning));
});

it("a batch that is split over operations keeps each call's number, size and items", () => {
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  const origin = { kind: "session", session, nonce: nonceOf(3), ackedThrough: 0 } as const;
  writer.calls(origin, batch, 0, 1);
  writer.calls(origin, batch, 1, 2);
  const [first, second] = [...readEntry(writer.finish(1)).operations];
  expect(first).toMatchObject({ batch: { firstNumber: 9_000_000_000, calls: 1, items: 1 } });
  expect(second).toMatchObject({ batch: { firstNumber: 9_000_000_001, calls: 1, items: 2 } });
});

it("a range of a batch with verbs keeps those of its calls alone", () => {
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  const origin = { kind: "anonymous", namespace: "n" } as const;
  const mixed = operations.find((each) => each.kind === "calls" && each.batch.verbs !== null);
  if (mixed?.kind !== "calls") throw new Error("no operation with verbs");
  writer.calls(origin, mixed.batch, 1, 3);
  const [read] = [...readEntry(writer.finish(1)).operations];
  expect(read).toMatchObject({
    batch: {
      calls: 2,
      items: 3,
      verbs: Uint8Array.of(Verb.take, Verb.reserve),
      ttlsMs: Float64Array.of(0, 0, 34_560_000_000),
      handles: Float64Array.of(0, 0, 0),
    },
  });
});

it("the writer refuses what apply would refuse, names it, and leaves the entry as it was", () => {
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  const { bytes } = writer;
  const origin = { kind: "anonymous", namespace: "n" } as const;
  const rule = windowLog(1, 1_000);
  const bad: [Parameters<typeof batchOf>[0], RegExp][] = [
    [[[{ key: "", rule }]], /key length is 0; it must be from 1 to 512/],
    [[[{ key: "x".repeat(513), rule }]], /key length is 513/],
    [[[{ key: "k", rule, cost: 0 }]], /cost is 0; it must be from 1 to 2147483647/],
    [[[{ key: "k", rule: windowLog(1, 999) }]], /windowUs is 999/],
    [[[{ key: "k", rule: windowLog(1.5, 1_000) }]], /limit is 1.5; it must be an integer/],
    [[[{ key: "k", rule: windowLog(2 ** 31, 1_000) }]], /limit is 2147483648/],
    [[[{ key: "k", rule: bucket(1, 1_000, 0) }]], /burst is 0; it must be from 1/],
    [[[{ key: "k", rule: { ...rule, algorithm: 9 as 1 } }]], /algorithm is 9/],
    [[[{ key: "k", rule: windowLog(1, 1_000, "p".repeat(129)) }]], /policy has 129 bytes; it may have 128/],
    [[[{ key: "k", rule, verb: 7 }]], /verb is 7; it must be from 0 to 6/],
    [[Array(2).fill({ key: "k", rule, verb: Verb.reset })], /a call with verb 1 has 2 items; only a take/],
    [[[{ key: "k", rule, ttlMs: 1 }]], /ttlMs is 1; it must be from 0 to 0/],
    [[[{ key: "k", rule, verb: Verb.reserve, ttlMs: 34_560_000_001 }]], /ttlMs is 34560000001; it must be from 0/],
    [[[{ key: "k", rule, verb: Verb.grant, ttlMs: 0.5 }]], /ttlMs is 0.5; it must be an integer/],
    [[[{ key: "k", rule, verb: Verb.commit }]], /handle is 0; it must be from 1/],
    [[[{ key: "k", rule, verb: Verb.reset, handle: 1 }]], /handle is 1; it must be from 0 to 0/],
    [[[{ key: "k", rule, verb: Verb.cancel, handle: 2 ** 53 }]], /handle is 9007199254740992; it must be from/],
  ];
  for (const [calls, message] of bad) {
    expect(() => writer.calls(origin, batchOf(calls), 0, 1)).toThrow(message);
    expect(writer).toMatchObject({ bytes, operations: 0, items: 0 });
  }
  expect(() => writer.register(new Uint8Array(3), 1, "n")).toThrow(EntryError);
  expect(() => writer.calls({ ...origin, kind: "request", identity: "i", requestId: "r" }, batch, 0, 2)).toThrow(
    /request id/,
  );
  expect(() => writer.bounds({ ...createLimiter().bounds, maxKeys: 0 })).toThrow(/maxKeys is 0/);
});

it("bytes that are no entry are refused with an EntryError, and leave the limiter as it was", () => {
  const harness = new Harness();
  const known = harness.session(START_US, 3);
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  writer.calls(
    { kind: "session", session: known, nonce: nonceOf(3), ackedThrough: 0 },
    { ...batch, firstNumber: 1 },
    0,
    2,
  );
  for (const operation of operations) writer.operation(encodeOperation(operation));
  const good = writer.finish(START_US + 1);
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      fc.nat(good.length),
      (edits, cut) => {
        const damaged = good.slice(0, cut % 3 === 0 ? cut : good.length);
        for (const [at, value] of edits) if (at < damaged.length) damaged[at] = value;
        const limiter = createLimiter();
        const before = limiter.stateHash();
        try {
          limiter.apply(1, damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(EntryError);
          expect(limiter.stateHash()).toEqual(before);
          refused++;
        }
        try {
          for (const operation of readEntry(damaged).operations) encodeOperation(operation);
        } catch (error) {
          expect(error).toBeInstanceOf(EntryError);
        }
      },
    ),
    { numRuns: 1_500 },
  );
  expect(refused).toBeGreaterThan(200);
});

it("random bytes are refused or applied, never more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const entry = Uint8Array.from([1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...bytes]);
      try {
        createLimiter().apply(1, entry);
      } catch (error) {
        expect(error).toBeInstanceOf(EntryError);
      }
      expect(() => decodeOperation(bytes)).toThrow(EntryError);
    }),
    { numRuns: 300 },
  );
});

it("an entry of a later version is refused by name, since skipping it would let nodes diverge", () => {
  const entry = createEntryWriter().finish(5);
  for (const [at, message] of [
    [0, /formatVersion is 9/],
    [1, /flags is 9/],
    [2, /fsmVersion is 9/],
  ] as const) {
    const later = entry.slice();
    later[at] = 9;
    expect(() => createLimiter().apply(1, later)).toThrow(message);
  }
});

it("UTF-8 by hand agrees with every text that has no lone surrogate, and refuses what is not UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (text) => {
      const bytes = encodeUtf8(text);
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(text);
      expect(encodeURIComponent(text).replace(/%../g, "x").length).toBe(bytes.length);
    }),
  );
  expect([...encodeUtf8("\ud800a")]).toEqual([0xef, 0xbf, 0xbd, 0x61]);
  for (const bad of [[0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
    expect(() => decodeUtf8(Uint8Array.from(bad), 0, bad.length)).toThrow(EntryError);
  }
});
