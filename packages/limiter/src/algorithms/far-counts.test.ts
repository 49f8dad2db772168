import fc from "fast-check";
import { expect, it } from "vitest";
import { Heap, PageKind } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { FarCounts, forgetFarCounts, hasFarCounts, MAX_ENDS } from "./far-counts.ts";

const windowUs = 1_000;
const tail = 12;

/** A block as a key has it, that moves when it has to. */
class Block {
  readonly #heap = new Heap();
  readonly #slab = new Slab(this.#heap, PageKind.keys);
  #address = this.#slab.take(tail);

  constructor(word: number) {
    for (let at = 0; at < tail * 2; at++) this.#heap.setWord(this.#address, at, at === 0 ? word : 0xffffffff - at);
  }

  grow(block: number, contentCells: number, cells: number): number {
    const grown = this.#slab.take(cells);
    for (let at = 0; at < contentCells * 2; at++) this.#heap.setWord(grown, at, this.#heap.word(block, at));
    this.#slab.give(block);
    return grown;
  }

  change(far: FarCounts, change: () => void): void {
    far.clear();
    if (hasFarCounts(this.#heap, this.#address)) far.read(this.#heap, this.#address, tail);
    change();
    this.#address = far.write(this.#heap, this.#address, tail, this);
  }

  forget(): void {
    forgetFarCounts(this.#heap, this.#address);
  }

  get words(): readonly number[] {
    return Array.from({ length: tail * 2 }, (_, at) => this.#heap.word(this.#address, at));
  }
}

const lease = fc.record({ window: fc.integer({ min: 2, max: 1_001 }), amount: fc.integer({ min: 1, max: 1_000 }) });

it("each window counts all that lasts until it or longer, whatever is taken back and however the block moves", () => {
  fc.assert(
    fc.property(fc.array(lease, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 40 }), (leases, settled) => {
      const far = new FarCounts();
      const block = new Block(1);
      const left = [...leases];
      for (const { window, amount } of leases) block.change(far, () => far.add(window * windowUs, amount));
      for (const which of settled) {
        const [back] = left.splice(which % (left.length + 1), 1);
        if (back !== undefined) block.change(far, () => far.add(back.window * windowUs, -back.amount));
      }
      block.change(far, () => {
        for (const at of [2, 3, 500, 1_001, ...leases.map(({ window }) => window)]) {
          const expected = left.filter(({ window }) => window >= at).reduce((sum, { amount }) => sum + amount, 0);
          expect(far.countFrom(at * windowUs)).toBe(expected);
        }
        expect(far.lastUs).toBe(Math.max(0, ...left.map(({ window }) => window * windowUs)));
      });
    }),
    { numRuns: 200 },
  );
});

it("with more ends than are told apart, none counts for less long than it should, and all that comes back is gone", () => {
  const far = new FarCounts();
  const block = new Block(1);
  // From both sides, so that some come between others and some behind all.
  const windows = Array.from({ length: 1_000 }, (_, at) => 2 + (at % 2 === 0 ? at : 1_000 - at));
  for (const window of windows) block.change(far, () => far.add(window * windowUs, 1));
  block.change(far, () => {
    for (const at of [2, 77, 500, 999]) {
      const expected = windows.filter((window) => window >= at).length;
      expect(far.countFrom(at * windowUs)).toBeGreaterThanOrEqual(expected);
    }
    expect(far.countFrom(0)).toBe(1_000);
  });
  expect(windows.length).toBeGreaterThan(MAX_ENDS);
  for (const window of windows) block.change(far, () => far.add(window * windowUs, -1));
  block.change(far, () => expect([far.countFrom(0), far.lastUs]).toEqual([0, 0]));
});

it("keeps what else the block says, and forgets what is over", () => {
  const marks = 0xabc00004;
  const block = new Block(marks);
  const before = block.words;
  const far = new FarCounts();
  block.change(far, () => far.add(5_000, 3));
  block.change(far, () => far.add(9_000, 4));
  expect(block.words.slice(1)).toEqual(before.slice(1));
  expect([block.words[0]! >>> 20, block.words[0]! & 0xff]).toEqual([0xabc, 4]);
  block.change(far, () => {
    far.dropBefore(6_000);
    expect([far.countFrom(0), far.lastUs]).toEqual([4, 9_000]);
  });
  block.change(far, () => far.dropBefore(10_000));
  expect(block.words).toEqual(before);
  block.change(far, () => far.add(5_000, 3));
  block.forget();
  expect(block.words).toEqual(before);
  block.change(far, () => expect(far.countFrom(0)).toBe(0));
});
