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
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    const priority = this.#priorityOf(block);
    let parent = 0;
    let word = wordLeft;
    let at = this.#root;
    while (at !== 0 && priority <= this.#priorityOf(at)) {
      parent = at;
      word = this.#isBefore(block, at) ? wordLeft : wordRight;
      at = heap.word(at, word);
    }
    this.#link(parent, word, block);
    this.#split(at, block);
  }

  remove(block: number): void {
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    let parent = 0;
    let word = wordLeft;
    for (let at = this.#root; at !== block; at = heap.word(at, word)) {
      parent = at;
      word = this.#isBefore(block, at) ? wordLeft : wordRight;
    }
    this.#merge(parent, word, heap.word(block, wordLeft), heap.word(block, wordRight));
  }

  /** Puts a block, or none, under another one; under 0 it is the root. */
  #link(parent: number, word: number, block: number): void {
    if (parent === 0) this.#root = block;
    else this.#heap.setWord(parent, word, block);
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

  /** Splits the tree under `root` into what is due before `block`, on its left, and what is due after it, on its right. */
  #split(root: number, block: number): void {
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    let before = block;
    let wordOfBefore = wordLeft;
    let behind = block;
    let wordOfBehind = wordRight;
    for (let at = root; at !== 0; ) {
      if (this.#isBefore(at, block)) {
        heap.setWord(before, wordOfBefore, at);
        before = at;
        wordOfBefore = wordRight;
        at = heap.word(at, wordRight);
      } else {
        heap.setWord(behind, wordOfBehind, at);
        behind = at;
        wordOfBehind = wordLeft;
        at = heap.word(at, wordLeft);
      }
    }
    heap.setWord(before, wordOfBefore, 0);
    heap.setWord(behind, wordOfBehind, 0);
  }

  /** Puts two trees, the one all before the other, in one place under `parent`. */
  #merge(parent: number, word: number, below: number, above: number): void {
    const heap = this.#heap;
    const { wordLeft, wordRight } = this.#layout;
    while (below !== 0 && above !== 0) {
      if (this.#priorityOf(below) > this.#priorityOf(above)) {
        this.#link(parent, word, below);
        parent = below;
        word = wordRight;
        below = heap.word(below, wordRight);
      } else {
        this.#link(parent, word, above);
        parent = above;
        word = wordLeft;
        above = heap.word(above, wordLeft);
      }
    }
    this.#link(parent, word, below === 0 ? above : below);
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
