import fc from "fast-check";
import { expect, it } from "vitest";
import { HashIndex } from "./hash-index.ts";
import { Heap, PAGE_CELLS, PageKind } from "./heap.ts";
import { MAX_BLOCK_CELLS, Slab } from "./slab.ts";

it("blocks never overlap or span pages, keep what is written, and are handed out alike each time", () => {
  const operation = fc.record({
    cells: fc.integer({ min: 1, max: MAX_BLOCK_CELLS }),
    give: fc.boolean(),
    which: fc.nat(500),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const run = () => {
        const heap = new Heap();
        const slab = new Slab(heap, PageKind.other);
        const live: { address: number; cells: number; mark: number }[] = [];
        const addresses: number[] = [];
        for (const [mark, { cells, give, which }] of operations.entries()) {
          if (give && live.length > 0) {
            const [block] = live.splice(which % live.length, 1);
            slab.give(block!.address);
            continue;
          }
          const address = slab.take(cells);
          addresses.push(address);
          expect(address).toBeGreaterThan(0);
          expect(Math.floor(address / PAGE_CELLS)).toBe(Math.floor((address + cells - 1) / PAGE_CELLS));
          heap.setWord(address, 0, 1);
          for (let cell = 1; cell < cells; cell++) heap.setNumber(address, cell, mark + cell / 1_000);
          live.push({ address, cells, mark });
        }
        for (const { address, cells, mark } of live) {
          expect(heap.word(address, 0)).toBe(1);
          for (let cell = 1; cell < cells; cell++) expect(heap.number(address, cell)).toBe(mark + cell / 1_000);
        }
        return addresses;
      };
      expect(run()).toEqual(run());
    }),
    { numRuns: 40 },
  );
});

it("memory that was given back is used again: coming and going does not grow the heap", () => {
  const heap = new Heap();
  const slab = new Slab(heap, PageKind.other);
  const round = (cells: number) => {
    const blocks = Array.from({ length: 2_000 }, () => slab.take(cells));
    for (const block of blocks) {
      heap.setWord(block, 0, 1);
      slab.give(block);
    }
  };
  for (const cells of [6, 40, 300]) round(cells);
  const { pages } = heap;
  for (let i = 0; i < 20; i++) for (const cells of [300, 6, 40]) round(cells);
  expect(heap.pages).toBe(pages);
});

it("the index finds what a Map finds while it grows a bucket at a time, also when all hashes are equal", () => {
  const operation = fc.record({
    hash: fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat(0xffffffff)),
    remove: fc.nat(3).map((n) => n === 0),
  });
  fc.assert(
    fc.property(fc.array(operation, { minLength: 500, maxLength: 3_000 }), (operations) => {
      const heap = new Heap();
      const slab = new Slab(heap, PageKind.other);
      const index = new HashIndex(heap);
      const model = new Map<number, number>();
      const holds = (block: number, hash: number) => {
        for (let at = index.first(hash); at !== 0; at = index.next(at)) if (at === block) return true;
        return false;
      };
      for (const { hash, remove } of operations) {
        const oldest = model.entries().next().value;
        if (remove && oldest !== undefined) {
          index.remove(oldest[0]);
          expect(holds(oldest[0], oldest[1])).toBe(false);
          model.delete(oldest[0]);
          slab.give(oldest[0]);
          continue;
        }
        const block = slab.take(6);
        heap.setWord(block, 0, 1);
        index.insert(hash, block);
        model.set(block, hash);
      }
      expect(index.count).toBe(model.size);
      for (const [block, hash] of model) expect(holds(block, hash)).toBe(true);
    }),
    { numRuns: 30 },
  );
});
