import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap } from "../memory/heap.ts";
import { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { BanDocument } from "../policies/documents.ts";
import { namePrefix } from "../policies/move-lineages.ts";
import { banBounds } from "./ban-table.ts";
import { Bans, banDurationMs } from "./bans.ts";

const START_US = 1_763_000_000_000_000;

/** Every denial and ban of a key, in lists, looked through at each question. */
class NaiveBans {
  readonly #denials: number[] = [];
  #untilUs = 0;
  #strikes = 0;
  #countedFromUs = 0;

  untilUs(stampUs: number): number {
    return this.#untilUs > stampUs ? this.#untilUs : 0;
  }

  feed(ban: BanDocument, stampUs: number): number {
    this.#denials.push(stampUs);
    const within = this.#denials.filter((at, i) => at > stampUs - ban.windowMs * 1_000 && i >= this.#countedFromUs);
    if (within.length < ban.denials) return 0;
    this.#countedFromUs = this.#denials.length;
    const inRow = this.#strikes > 0 && stampUs < this.#untilUs + ban.forgetAfterMs * 1_000;
    this.#strikes = inRow ? this.#strikes + 1 : 1;
    let durationMs = ban.durationsMs[Math.min(this.#strikes, ban.durationsMs.length) - 1]!;
    for (let i = ban.durationsMs.length; i < this.#strikes; i++) durationMs *= ban.factor ?? 1;
    this.#untilUs = stampUs + Math.min(durationMs, ban.maxDurationMs ?? Number.MAX_SAFE_INTEGER) * 1_000;
    return this.#untilUs;
  }
}

function identityOf(key: string) {
  const prefix = namePrefix("n", "api");
  const bytes = Uint8Array.from(key, (character) => character.charCodeAt(0));
  return { prefix, prefixLength: prefix.length, bytes, start: 0, length: bytes.length };
}

function copyOf(heap: Heap, bans: Bans): { readonly heap: Heap; readonly bans: Bans } {
  const meta = new MetaWriter();
  heap.save(meta);
  bans.save(meta);
  const reader = new MetaReader(meta.finish());
  const copy = new Heap();
  const copied = new Bans(copy);
  copy.load(reader, heap.copyKinds());
  copied.load(reader);
  for (let page = 0; page < heap.pages; page++) copy.pageBytes(page).set(heap.pageBytes(page));
  return { heap: copy, bans: copied };
}

describe("bans", () => {
  const ban = fc.record({
    denials: fc.integer({ min: 1, max: 12 }),
    windowMs: fc.integer({ min: 1, max: 40 }),
    durationsMs: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 }),
    forgetAfterMs: fc.integer({ min: 1, max: 100 }),
    escalation: fc.option(fc.integer({ min: 2, max: 4 })),
  });
  const step = fc.record({ key: fc.constantFrom("a", "b", "c"), waitUs: fc.oneof(fc.constant(0), fc.nat(6_000)) });

  it("begin, escalate, end and are forgotten as in a model that keeps everything, through sweeps and a snapshot", () => {
    fc.assert(
      fc.property(ban, fc.array(step, { maxLength: 120 }), fc.nat(120), ({ escalation, ...rest }, steps, cutAt) => {
        const document: BanDocument = {
          ...rest,
          ...(escalation !== null && { factor: escalation, maxDurationMs: 200 }),
        };
        let heap = new Heap();
        let bans = new Bans(heap);
        const model = new Map<string, NaiveBans>();
        let stampUs = START_US;
        for (const [i, { key, waitUs }] of steps.entries()) {
          if (i === cutAt) ({ heap, bans } = copyOf(heap, bans));
          stampUs += waitUs;
          const naive = model.get(key) ?? new NaiveBans();
          model.set(key, naive);
          expect(bans.untilUs(identityOf(key), stampUs)).toBe(naive.untilUs(stampUs));
          if (naive.untilUs(stampUs) === 0) {
            expect(bans.feed(identityOf(key), document, stampUs)).toBe(naive.feed(document, stampUs));
          }
          bans.sweep(stampUs);
        }
        stampUs += 1_000_000_000;
        for (let turn = 0; turn < 4; turn++) bans.sweep(stampUs + turn * 2_000_000);
        expect(bans.count).toBe(0);
        expect(bans.uncounted).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("a full memory counts no denials of further keys, evicts no ban, and says so", () => {
    const bans = new Bans(new Heap());
    const document: BanDocument = { denials: 1, windowMs: 1_000, durationsMs: [1_000], forgetAfterMs: 1 };
    for (let i = 0; i < banBounds.records; i++) bans.feed(identityOf(`k${i}`), document, START_US);
    expect(bans.feed(identityOf("more"), document, START_US)).toBe(0);
    expect([bans.uncounted, bans.begun, bans.count]).toEqual([1, banBounds.records, banBounds.records]);
    expect(bans.untilUs(identityOf("k7"), START_US)).toBe(START_US + 1_000_000);
  });

  it("durations are listed first, then multiplied, and never above the cap", () => {
    const document: BanDocument = {
      denials: 1,
      windowMs: 1,
      durationsMs: [10, 20],
      factor: 3,
      maxDurationMs: 150,
      forgetAfterMs: 1,
    };
    expect([1, 2, 3, 4, 5, 1_000_000].map((strike) => banDurationMs(document, strike))).toEqual([
      10, 20, 60, 150, 150, 150,
    ]);
    expect(banDurationMs({ ...document, factor: 1 }, 1_000_000_000)).toBe(20);
  });
});
