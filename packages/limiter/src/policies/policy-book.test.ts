import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap, PageKind } from "../memory/heap.ts";
import { MetaReader, MetaWriter } from "../memory/meta.ts";
import { Slab } from "../memory/slab.ts";
import { readAdminRequest } from "./admin-change.ts";
import { canonicalJson, type Json } from "./canonical.ts";
import { Census } from "./census.ts";
import { type ChangeEffects, PolicyBook, policyBounds } from "./policy-book.ts";
import { PolicyError } from "./policy-error.ts";

const second = 1_000_000;
const startUs = 1_763_000_000_000_000;
const noEffects: ChangeEffects = { liftBan: () => false, renumbering: () => undefined, renumbered: () => undefined };

class Room {
  readonly heap = new Heap();
  readonly slab = new Slab(this.heap, PageKind.other);
  readonly census = new Census(this.heap);
  readonly book = new PolicyBook(this.heap, this.slab, this.census);
  index = 0;

  change(change: unknown, more: object = {}, stampUs = startUs) {
    const request = readAdminRequest({ namespace: "n", change, author: "ann", ...more });
    return this.book.administer(request, stampUs, ++this.index, noEffects);
  }

  copy(): Room {
    const meta = new MetaWriter();
    this.heap.save(meta);
    this.slab.save(meta);
    this.census.save(meta);
    this.book.save(meta);
    const copy = new Room();
    const reader = new MetaReader(meta.finish());
    copy.heap.load(reader, this.heap.copyKinds());
    copy.slab.load(reader);
    copy.census.load(reader);
    copy.book.load(reader);
    for (let page = 0; page < this.heap.pages; page++) copy.heap.pageBytes(page).set(this.heap.pageBytes(page));
    copy.book.open();
    expect(reader.atEnd).toBe(true);
    copy.index = this.index;
    return copy;
  }
}

const api = { name: "api", algorithm: "sliding-window-log", limit: 100, windowMs: 60_000 } as const;

describe("the book of policies", () => {
  it("gives a new version to a change that changes something, and none to one that does not", () => {
    const { book, change } = bound(new Room());
    expect(change({ kind: "putPolicies", policies: [api] })).toEqual({ version: 1, changed: 1, error: null });
    expect(change({ kind: "putPolicies", policies: [{ ...api, window: "1m", windowMs: undefined }] })).toEqual({
      version: 1,
      changed: 0,
      error: null,
    });
    expect(book.document("n").policies).toEqual([api]);
    expect(book.version("n")).toBe(1);
    expect(book.version("m")).toBe(0);
  });

  it("tells documents, history and differences in the same text on a node that was restored from a snapshot", () => {
    const room = new Room();
    const { change } = bound(room);
    const ban = { denials: 3, window: "1m", durations: ["1m", "5m"], factor: 2, maxDuration: "1h", forgetAfter: "2h" };
    const whole = { ...api, algorithm: "token-bucket", burst: 7, ban, shadow: true, description: "for all" };
    const own = { policy: "api", limit: 5, burst: 6 };
    const document = {
      policies: [{ ...whole, onUnavailable: "deny", lease: false }],
      overrides: [{ ...own, key: "k" }],
      tiers: [{ name: "gold", limits: [own] }],
      tierKeys: [{ tier: "gold", key: "k" }],
      lists: [{ match: "key", list: "deny", value: "bad", policy: "api", description: "spam" }],
      maxKeys: 9,
    };
    expect(change({ kind: "putDocument", document }, { changeId: "1" }).error).toBeNull();
    change({ kind: "putPolicies", policies: [api] });
    change({ kind: "rollback", version: 1 });
    const told = ({ book }: Room) => {
      return JSON.stringify([book.document("n"), book.document("n", 2), book.history("n"), book.diff("n", 0, 2)]);
    };
    const restored = room.copy();
    expect(told(restored)).toBe(told(room));
    // Every field there is came with it.
    for (const field of ["durationsMs", "maxDurationMs", "onUnavailable", "lease", "description", "tier", "maxKeys"]) {
      expect(told(room)).toContain(`"${field}":`);
    }
  });

  it("expectedVersion is compare-and-set", () => {
    const { book, change } = bound(new Room());
    change({ kind: "putPolicies", policies: [api] });
    const late = change({ kind: "deletePolicies", names: ["api"] }, { expectedVersion: 0 });
    expect(late).toMatchObject({
      version: 1,
      changed: 0,
      error: { code: "version-mismatch", field: "expectedVersion" },
    });
    expect(book.document("n").policies).toHaveLength(1);
    expect(change({ kind: "deletePolicies", names: ["api"] }, { expectedVersion: 1 })).toMatchObject({
      version: 2,
      error: null,
    });
  });

  it("a repeated change id returns the first result, be it a refusal, and executes nothing", () => {
    const { book, change } = bound(new Room());
    const put = { kind: "putPolicies", policies: [api] };
    expect(change({ kind: "deletePolicies", names: ["api"] }, { changeId: "1" }).error?.code).toBe("not-found");
    expect(change(put, { changeId: "2" })).toMatchObject({ version: 1, changed: 1 });
    expect(change({ kind: "deletePolicies", names: ["api"] }, { changeId: "1" }).error?.code).toBe("not-found");
    expect(change(put, { changeId: "2" })).toEqual({ version: 1, changed: 1, error: null });
    expect(change({ kind: "setKeyQuota", maxKeys: 5 }, { changeId: "2" }).error?.code).toBe("change-id-reused");
    expect(book.history("n")).toHaveLength(1);
  });

  it("remembers a change id for ten minutes, from a takeover on anew, and not for ever", () => {
    const { book, change } = bound(new Room());
    const put = { kind: "setKeyQuota", maxKeys: 5 };
    change(put, { changeId: "1" });
    book.takeover(startUs + 599 * second, startUs + 700 * second);
    expect(change(put, { changeId: "1" }, startUs + 1_200 * second)).toMatchObject({ changed: 1 });
    expect(change(put, { changeId: "1" }, startUs + 1_300 * second)).toMatchObject({ changed: 0 });
  });

  it("the history tells who, when and what, and a rollback is a new version with the old content", () => {
    const { book, change } = bound(new Room());
    change({ kind: "putPolicies", policies: [api] });
    change(
      {
        kind: "putPolicies",
        policies: [
          { ...api, limit: 200 },
          { ...api, name: "login", limit: 5 },
        ],
      },
      { author: "bob", changeId: "c" },
      startUs + second,
    );
    change({ kind: "putTiers", tiers: [{ name: "gold", limits: [{ policy: "api", limit: 1_000 }] }] });
    expect(change({ kind: "rollback", version: 1 })).toEqual({ version: 4, changed: 3, error: null });
    expect(book.document("n")).toEqual(book.document("n", 1));
    expect(book.history("n").map(({ version, author, kind, about }) => ({ version, author, kind, about }))).toEqual([
      { version: 4, author: "ann", kind: "rollback", about: "version 1" },
      { version: 3, author: "ann", kind: "putTiers", about: "" },
      { version: 2, author: "bob", kind: "putPolicies", about: "" },
      { version: 1, author: "ann", kind: "putPolicies", about: "" },
    ]);
    expect(book.history("n")[2]).toMatchObject({ stampUs: startUs + second, index: 2, changeId: "c" });
    expect(book.diff("n", 1, 2).words).toEqual([
      'policy "api": limit 100 → 200',
      'policy "login" is new: algorithm sliding-window-log, limit 5, windowMs 60000',
    ]);
    expect(book.diff("n", 4, 1).edits).toEqual([]);
    expect(() => book.diff("n", 5, 1)).toThrow(/version is 5; the namespace is at version 4/);
  });

  it("a document replaces the sections that it has, and leaves the others", () => {
    const { book, change } = bound(new Room());
    change({ kind: "putPolicies", policies: [api, { ...api, name: "old" }] });
    change({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit: 7 }] });
    change({ kind: "putDocument", document: { policies: [api], maxKeys: 9 } });
    expect(book.document("n")).toMatchObject({ policies: [api], overrides: [{ key: "k" }], maxKeys: 9 });
  });

  it("a tier cannot go while keys are in it, nor keys into one that is not there", () => {
    const { change } = bound(new Room());
    expect(change({ kind: "putTierKeys", tierKeys: [{ key: "k", tier: "gold" }] }).error?.code).toBe("not-found");
    change({
      kind: "putDocument",
      document: { tiers: [{ name: "gold", limits: [] }], tierKeys: [{ key: "k", tier: "gold" }] },
    });
    expect(change({ kind: "deleteTiers", names: ["gold"] }).error?.code).toBe("in-use");
    change({ kind: "deleteTierKeys", keys: ["k"] });
    expect(change({ kind: "deleteTiers", names: ["gold"] }).error).toBeNull();
  });

  it("the history is bounded, and a rollback beyond it says so", () => {
    const { book, change } = bound(new Room());
    for (let i = 1; i <= policyBounds.historyEntries + 5; i++) change({ kind: "setKeyQuota", maxKeys: i });
    expect(book.history("n")).toHaveLength(policyBounds.historyEntries);
    expect(change({ kind: "rollback", version: 4 }).error).toMatchObject({ code: "history-gone" });
    expect(change({ kind: "rollback", version: 5 })).toMatchObject({ changed: 1, error: null });
    expect(book.document("n").maxKeys).toBe(5);
  });

  it("all histories together are bounded: the largest gives way, and who changes little can go back", () => {
    const room = new Room();
    const change = (namespace: string, limit: number, size: number) => {
      const policies = Array.from({ length: size }, (_, at) => ({
        ...api,
        name: `p${at}`,
        limit,
        description: "x".repeat(500),
      }));
      expect(room.change({ kind: "putPolicies", policies }, { namespace }).error).toBeNull();
    };
    for (let i = 1; i <= 12; i++) for (let at = 1; at <= 20; at++) change(`large${at}`, i, 80);
    const { book } = room;
    const bytesOf = () => book.namespaceNames().map((name) => book.namespace(name)!.history.bytes);
    for (let i = 1; i <= 3; i++) change("small", i, 1);
    expect(book.history("small")).toHaveLength(3);
    const sum = bytesOf().reduce((total, bytes) => total + bytes, 0);
    expect(sum).toBeLessThanOrEqual(policyBounds.historyBytes);
    expect(sum).toBeGreaterThan(0.99 * policyBounds.historyBytes);
    expect(Math.max(...bytesOf())).toBeLessThan(policyBounds.historyNamespaceBytes);
    expect(room.change({ kind: "rollback", version: 1 }, { namespace: "small" }).error).toBeNull();
  });

  it("records and bytes are bounded, and the error names count, bound and remedy", () => {
    const { change } = bound(new Room());
    const policies = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => ({ ...api, name: `p${from + i}` }));
    change({ kind: "putPolicies", policies: policies(0, 600) });
    expect(change({ kind: "putPolicies", policies: policies(600, 1_001) }).error?.message).toMatch(
      /would leave 1001 records of kind policy in the namespace; it may have 1000: delete some first/,
    );
    expect(change({ kind: "putPolicies", policies: policies(600, 1_000) }).error).toBeNull();
  });

  it("a copy from a snapshot goes on exactly alike, byte for byte", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("putPolicies"),
        policies: fc.uniqueArray(
          fc.record({
            name: fc.constantFrom("a", "b", "c"),
            limit: fc.nat(3),
            windowMs: fc.constantFrom(1_000, 2_000),
          }),
          { minLength: 1, maxLength: 3, selector: (each) => each.name },
        ),
      }),
      fc.record({ kind: fc.constant("deletePolicies"), names: fc.constantFrom(["a"], ["b"], ["a", "c"]) }),
      fc.record({
        kind: fc.constant("putOverrides"),
        overrides: fc.constantFrom(
          [{ policy: "a", key: "k", limit: 1 }],
          [{ policy: "a", key: "é", limit: 2, burst: 3 }],
        ),
      }),
      fc.record({
        kind: fc.constant("putListEntries"),
        entries: fc.constantFrom(
          [{ list: "deny", match: "range", value: "10.0.0.0/8" }],
          [{ list: "allow", match: "key", value: "k" }],
        ),
      }),
      fc.record({ kind: fc.constant("rollback"), version: fc.nat(8) }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, fc.option(fc.constantFrom("1", "2", "3"))), { minLength: 2, maxLength: 16 }),
        fc.nat(15),
        (steps, cut) => {
          const room = new Room();
          let copy = room.copy();
          for (const [i, [change, changeId]] of steps.entries()) {
            if (i === cut) copy = room.copy();
            const here = room.change(change, { changeId });
            if (i >= cut) expect(copy.change(change, { changeId })).toEqual(here);
          }
          if (steps.length <= cut) copy = room.copy();
          expect(copy.book.history("n")).toEqual(room.book.history("n"));
          for (let version = 0; version <= room.book.version("n"); version++) {
            expect(copy.book.document("n", version)).toEqual(room.book.document("n", version));
          }
          const bytesOf = ({ book }: Room) => [book.namespace("n")?.records.bytes, book.namespace("n")?.history.bytes];
          expect(bytesOf(copy)).toEqual(bytesOf(room));
          expect(copy.heap.pages).toBe(room.heap.pages);
          for (let page = 0; page < room.heap.pages; page++)
            expect(copy.heap.pageBytes(page)).toEqual(room.heap.pageBytes(page));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a change is checked strictly", () => {
  it.each([
    [
      { kind: "putPolicies", policies: [{ ...api, limt: 1 }] },
      /change\.policies\[0\]\.limt is unknown; .* may have name, algorithm/,
    ],
    [
      { kind: "putPolicies", policies: [{ ...api, limit: -1 }] },
      /change\.policies\[0\]\.limit is -1; it must be a whole number from 0 to 2147483647/,
    ],
    [{ kind: "putPolicies", policies: [{ ...api, limit: 1.5 }] }, /limit is 1\.5/],
    [{ kind: "putPolicies", policies: [{ name: "a", limit: 1 }] }, /windowMs is missing/],
    [
      { kind: "putPolicies", policies: [{ name: "a", limit: 1, window: "60" }] },
      /window is "60"; write a whole number with ms, s, m, h or d/,
    ],
    [{ kind: "putPolicies", policies: [{ name: "a", limit: 1, window: "401d" }] }, /from 1ms to 400d/],
    [{ kind: "putPolicies", policies: [api, api] }, /policies\[1\] says the same as policies\[0\]/],
    [{ kind: "putPolicies", policies: [] }, /policies is empty/],
    [{ kind: "putPolicies", policies: [{ ...api, burst: 2 }] }, /burst belongs to token-bucket/],
    [{ kind: "putPolicies", policies: [{ ...api, name: "a\nb" }] }, /control characters/],
    [{ kind: "putPolicies", policies: [{ ...api, name: "" }] }, /name has 0 bytes; it must have 1 to 128/],
    [
      { kind: "putPolicies", policies: [{ ...api, ban: { denials: 513, windowMs: 1, duration: "1m" } }] },
      /ban\.denials is 513; .* 1 to 512/,
    ],
    [{ kind: "putPolicies", policies: [{ ...api, ban: { denials: 5, windowMs: 1 } }] }, /durations is missing/],
    [
      { kind: "putPolicies", policies: [{ ...api, ban: { denials: 5, windowMs: 1, durationMs: 5, factor: 2 } }] },
      /maxDuration is missing/,
    ],
    [
      { kind: "putListEntries", entries: [{ list: "deny", match: "range", value: "10.0.0.1/8" }] },
      /the range is 10\.0\.0\.0\/8/,
    ],
    [{ kind: "putOverrides", overrides: [{ policy: "a", key: "\ud800", limit: 1 }] }, /surrogate/],
    [{ kind: "frobnicate" }, /change\.kind is "frobnicate"; it must be one of putPolicies/],
    [{ kind: "constructor" }, /change\.kind is "constructor"/],
    [null, /change\.kind is missing/],
    [{ kind: "putDocument", document: { policy: [] } }, /policy is unknown/],
  ])("%j is refused by name", (change, message) => {
    expect(() => readAdminRequest({ namespace: "n", change })).toThrow(message);
    expect(() => readAdminRequest({ namespace: "n", change })).toThrow(PolicyError);
  });

  it("its normal form is read as itself", () => {
    const ban = { denials: 3, window: "1m", durations: ["1m", "10m"], factor: 2, maxDuration: "1h" };
    const request = readAdminRequest({
      namespace: "n",
      change: {
        kind: "putPolicies",
        policies: [{ name: "a", algorithm: "token-bucket", limit: 9, window: "1s", ban }],
      },
    });
    expect(request.change).toMatchObject({
      policies: [
        {
          burst: 9,
          windowMs: 1_000,
          ban: {
            windowMs: 60_000,
            durationsMs: [60_000, 600_000],
            factor: 2,
            maxDurationMs: 3_600_000,
            forgetAfterMs: 3_600_000,
          },
        },
      ],
    });
    expect(readAdminRequest(JSON.parse(canonicalJson(request as unknown as Json)))).toEqual(request);
  });
});

function bound(room: Room): { readonly book: PolicyBook; readonly change: Room["change"] } {
  return { book: room.book, change: room.change.bind(room) };
}
