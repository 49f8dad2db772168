import fc from "fast-check";
import { expect, it } from "vitest";
import { Heap, PageKind } from "../memory/heap.ts";
import { MetaReader, MetaWriter } from "../memory/meta.ts";
import { Slab } from "../memory/slab.ts";
import { DueTree } from "./due-tree.ts";

const layout = { wordLeft: 2, wordRight: 3, cellDue: 2, cellNumber: 3 };

it("holds its blocks in the order of stamp and number, through insertions, removals and a snapshot", () => {
  const operation = fc.record({ remove: fc.nat(3).map((value) => value === 0), dueUs: fc.nat(20), which: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), fc.integer(), (operations, seed) => {
      const heap = new Heap();
      const slab = new Slab(heap, PageKind.other);
      let tree = new DueTree(heap, layout);
      tree.reseed(seed);
      const model: { block: number; dueUs: number; number: number }[] = [];
      for (const [number, { remove, dueUs, which }] of operations.entries()) {
        if (remove && model.length > 0) {
          const [gone] = model.splice(which % model.length, 1);
          tree.remove(gone!.block);
          slab.give(gone!.block);
        } else {
          const block = slab.take(4);
          heap.setWord(block, 0, 1);
          heap.setNumber(block, 2, dueUs);
          heap.setNumber(block, 3, number);
          tree.insert(block);
          model.push({ block, dueUs, number });
        }
        model.sort((a, b) => a.dueUs - b.dueUs || a.number - b.number);
        expect(tree.first()).toBe(model[0]?.block ?? 0);
        if (which === 0) tree = loaded(tree, heap);
      }
      const order: number[] = [];
      tree.forEach((block) => void order.push(block));
      expect(order).toEqual(model.map(({ block }) => block));
      for (const [at, { dueUs, number }] of model.entries()) {
        const behind: number[] = [];
        const most = at % 5;
        const isAtEnd = tree.forEachBehind(dueUs, number, (block) => behind.push(block) < most);
        const rest = model.slice(at + 1).map(({ block }) => block);
        expect(behind).toEqual(rest.slice(0, Math.max(1, most)));
        expect(isAtEnd).toBe(rest.length < Math.max(1, most));
      }
      for (const { block } of model) {
        expect(tree.first()).toBe(block);
        tree.remove(block);
      }
      expect(tree.first()).toBe(0);
    }),
    { numRuns: 200 },
  );
});

it("stays shallow whatever stamps a caller chooses: ten thousand in a row need no deep recursion", () => {
  for (const dueOf of [(i: number) => i, (i: number) => -i, () => 7]) {
    const heap = new Heap();
    const slab = new Slab(heap, PageKind.other);
    const tree = new DueTree(heap, layout);
    for (let i = 0; i < 10_000; i++) {
      const block = slab.take(4);
      heap.setWord(block, 0, 1);
      heap.setNumber(block, 2, dueOf(i));
      heap.setNumber(block, 3, i);
      tree.insert(block);
    }
    expect(depthOf(heap, rootOf(tree))).toBeLessThan(60);
  }
});

function loaded(tree: DueTree, heap: Heap): DueTree {
  const meta = new MetaWriter();
  tree.save(meta);
  const copy = new DueTree(heap, layout);
  copy.load(new MetaReader(meta.finish()));
  return copy;
}

function rootOf(tree: DueTree): number {
  const meta = new MetaWriter();
  tree.save(meta);
  return meta.finish()[0]!;
}

function depthOf(heap: Heap, block: number): number {
  if (block === 0) return 0;
  return (
    1 + Math.max(depthOf(heap, heap.word(block, layout.wordLeft)), depthOf(heap, heap.word(block, layout.wordRight)))
  );
}
