import { mixWords } from "../hash/sip.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";

/** Where a block of the tree keeps its place: two words for links, and the cells of what it is ordered by. */
export interface TreeLayout {
  readonly wordLeft: number;
  readonly wordRight: number;
  readonly cellDue: number;
  readonly cellNumber: number;
}

/**
 * Blocks in the order of a stamp, then of a number that no two share: a treap, whose links lie in the blocks.
 *
 * Its shape follows from the numbers alone, so it is the same on every node and after a snapshot. A caller may choose
 * stamps, but does not know the seed, and so cannot make the tree deep.
 */
export class DueTree {
  readonly #heap: Heap;
  readonly #layout: TreeLayout;
  #root = 0;
  #seed = 0x6ed9eba1;
  /** Out-parameters of {@link #split}. */
  #below = 0;
  #above = 0;

  constructor(heap: Heap, layout: TreeLayout) {
    this.#heap = heap;
    this.#layout = layout;
  }

  /** Only while the tree is empty. */
  reseed(seed: number): void {
    this.#seed = seed | 0;
  }

  /** The block that is due first, or 0. */
  first(): number {
    const { wordLeft } = this.#layout;
    let block = this.#root;
    if (block === 0) return 0;
    for (let left = this.#heap.word(block, wordLeft); left !== 0; left = this.#heap.word(block, wordLeft)) block = left;
    return block;
  }

  insert(block: number): void {
    this.#root = this.#insertInto(this.#root, block);
  }

  remove(block: number): void {
    this.#root = this.#removeFrom(this.#root, block);
  }

  /** Calls `visit` with every block, in order; it must not change the tree. */
  forEach(visit: (block: number) => void): void {
    this.#walk(this.#root, visit);
  }

  #walk(root: number, visit: (block: number) => void): void {
    if (root === 0) return;
    const { wordLeft, wordRight } = this.#layout;
    this.#walk(this.#heap.word(root, wordLeft), visit);
    visit(root);
    this.#walk(this.#heap.word(root, wordRight), visit);
  }

  /**
   * The same for those behind a place in the order, as long as `visit` returns true. Returns whether it came to the end.
   */
  forEachBehind(dueUs: number, number: number, visit: (block: number) => boolean): boolean {
    return this.#walkBehind(this.#root, dueUs, number, visit);
  }

  #walkBehind(root: number, dueUs: number, number: number, visit: (block: number) => boolean): boolean {
    if (root === 0) return true;
    const { wordLeft, wordRight, cellDue, cellNumber } = this.#layout;
    const ownUs = this.#heap.number(root, cellDue);
    const isBehind = ownUs > dueUs || (ownUs === dueUs && this.#heap.number(root, cellNumber) > number);
    if (isBehind && !(this.#walkBehind(this.#heap.word(root, wordLeft), dueUs, number, visit) && visit(root))) {
      return false;
    }
    return this.#walkBehind(this.#heap.word(root, wordRight), dueUs, number, visit);
  }

  #isBefore(a: number, b: number): boolean {
    const { cellDue, cellNumber } = this.#layout;
    const dueA = this.#heap.number(a, cellDue);
    const dueB = this.#heap.number(b, cellDue);
    return dueA < dueB || (dueA === dueB && this.#heap.number(a, cellNumber) < this.#heap.number(b, cellNumber));
  }

  #priorityOf(block: number): number {
    const number = this.#heap.number(block, this.#layout.cellNumber);
    return mixWords(this.#seed, number | 0, (number / 4294967296) | 0);
  }

  #insertInto(root: number, block: number): number {
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    if (root === 0 || this.#priorityOf(block) > this.#priorityOf(root)) {
      this.#split(root, block);
      heap.setWord(block, wordLeft, this.#below);
      heap.setWord(block, wordRight, this.#above);
      return block;
    }
    const word = this.#isBefore(block, root) ? wordLeft : wordRight;
    heap.setWord(root, word, this.#insertInto(heap.word(root, word), block));
    return root;
  }

  /** Splits the tree under `root` into what is due before `block` and what is due after it. */
  #split(root: number, block: number): void {
    if (root === 0) {
      this.#below = 0;
      this.#above = 0;
      return;
    }
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    if (this.#isBefore(root, block)) {
      this.#split(heap.word(root, wordRight), block);
      heap.setWord(root, wordRight, this.#below);
      this.#below = root;
    } else {
      this.#split(heap.word(root, wordLeft), block);
      heap.setWord(root, wordLeft, this.#above);
      this.#above = root;
    }
  }

  #removeFrom(root: number, block: number): number {
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    if (root === block) return this.#merge(heap.word(block, wordLeft), heap.word(block, wordRight));
    const word = this.#isBefore(block, root) ? wordLeft : wordRight;
    heap.setWord(root, word, this.#removeFrom(heap.word(root, word), block));
    return root;
  }

  #merge(below: number, above: number): number {
    if (below === 0) return above;
    if (above === 0) return below;
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    if (this.#priorityOf(below) > this.#priorityOf(above)) {
      heap.setWord(below, wordRight, this.#merge(heap.word(below, wordRight), above));
      return below;
    }
    heap.setWord(above, wordLeft, this.#merge(below, heap.word(above, wordLeft)));
    return above;
  }

  save(meta: MetaWriter): void {
    meta.number(this.#root);
    meta.number(this.#seed);
  }

  load(meta: MetaReader): void {
    this.#root = meta.number();
    this.#seed = meta.number();
  }
}
