import { u16At, u32At } from "../entry/byte-reader.ts";
import { digest, sipHash } from "../hash/sip.ts";
import { HashIndex } from "../memory/hash-index.ts";
import { type Heap, PageKind } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import { Slab } from "../memory/slab.ts";

const TAG = 1;
const WORD_LENGTH = 3;
const WORD_COUNT = 4;
/** Of a name: its first shape, and how many. Of a shape: its neighbours in the name's list, and the name. */
const WORD_FIRST = 5;
const WORD_SHAPES = 6;
const WORD_BEFORE = 5;
const WORD_AFTER = 6;
/** Of a shape: the stamp at which another rule took over, and until when its counts may be asked for. */
const CELL_FROZEN = 4;
const CELL_RETAIN = 5;
const CELLS = 6;

/** Shapes of one name that a change of rule looks at, the newest first; those beyond are not kept for it. */
export const MAX_SHAPES_SEEN = 4_096;

/** How one name is counted: which algorithm, over which window, since which change of rule. */
export interface Shape {
  readonly algorithm: number;
  readonly windowUs: number;
  readonly epoch: number;
}

/**
 * How many keys each namespace has, and which shapes of counter each name was used with, whether by a policy or inline:
 * what a quota of keys is held against, and where counts are looked for when a policy takes over (SEMANTICS K1).
 *
 * A record is found by the first bytes of a key's identity: those of the namespace, of the name, or all of them (a
 * shape). It lives exactly as long as one of its keys has a block, so there are never more records than keys.
 */
export class Census {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  #seed0 = 0x3c6ef372;
  #seed1 = 0x54ff53a5;
  /** The identity that was counted last, and its records: a sweep, like a frame, meets many of the same one after another. */
  readonly #lastPrefix = new Uint8Array(512);
  #lastLength = -1;
  #lastNamespace = 0;
  #lastName = 0;
  #lastShape = 0;
  /** Shapes that another rule took over: while there is none, the sweep need not ask. */
  #frozen = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#slab = new Slab(heap, PageKind.other);
    this.#index = new HashIndex(heap);
  }

  /** While nothing is counted, the seed may follow what no outsider knows. */
  reseed(seed0: number, seed1: number): void {
    this.#seed0 = seed0 | 0;
    this.#seed1 = seed1 | 0;
  }

  get hasFrozen(): boolean {
    return this.#frozen > 0;
  }

  /** Keys of the namespace whose identities begin with these bytes. */
  keysOf(prefix: Uint8Array): number {
    const record = this.#find(prefix, namespaceEnd(prefix));
    return record === 0 ? 0 : this.#heap.word(record, WORD_COUNT);
  }

  /** A key with this identity prefix has a block from now on. */
  add(prefix: Uint8Array, length: number): void {
    if (!this.#isLast(prefix, length)) {
      const end = namespaceEnd(prefix);
      const namespace = this.#findOrAdd(prefix, end);
      if (prefix[end] === 0) {
        this.#keep(prefix, length, namespace, 0, 0);
      } else {
        const name = this.#findOrAdd(prefix, end + 1 + prefix[end]!);
        let shape = this.#find(prefix, length);
        if (shape === 0) {
          shape = this.#create(prefix, length);
          this.#link(name, shape);
        }
        this.#keep(prefix, length, namespace, name, shape);
      }
    }
    this.#count(this.#lastNamespace, 1);
    if (this.#lastName === 0) return;
    this.#count(this.#lastName, 1);
    this.#count(this.#lastShape, 1);
  }

  #isLast(prefix: Uint8Array, length: number): boolean {
    if (length !== this.#lastLength) return false;
    const last = this.#lastPrefix;
    for (let i = 0; i < length; i++) if (last[i] !== prefix[i]) return false;
    return true;
  }

  #keep(prefix: Uint8Array, length: number, namespace: number, name: number, shape: number): void {
    for (let i = 0; i < length; i++) this.#lastPrefix[i] = prefix[i]!;
    this.#lastLength = length;
    this.#lastNamespace = namespace;
    this.#lastName = name;
    this.#lastShape = shape;
  }

  /**
   * Whether a block's identity, at a cell of it, begins like the one that was counted last: then {@link removeLast} does.
   */
  isLastOf(block: number, cell: number, length: number): boolean {
    return length === this.#lastLength && this.#heap.equalBytes(block, cell * 8, this.#lastPrefix, 0, length);
  }

  /** Like {@link remove}, for an identity like the one that was counted last. */
  removeLast(): void {
    this.remove(this.#lastPrefix, this.#lastLength);
  }

  /** The block of such a key is gone. */
  remove(prefix: Uint8Array, length: number): void {
    if (!this.#isLast(prefix, length)) {
      const end = namespaceEnd(prefix);
      const isNamed = prefix[end] !== 0;
      const namedRecord = isNamed ? this.#find(prefix, end + 1 + prefix[end]!) : 0;
      this.#keep(prefix, length, this.#find(prefix, end), namedRecord, isNamed ? this.#find(prefix, length) : 0);
    }
    const name = this.#lastName;
    const shape = this.#lastShape;
    this.#discount(this.#lastNamespace);
    if (name === 0) return;
    if (this.#heap.word(shape, WORD_COUNT) === 1) {
      this.#unlink(name, shape);
      if (this.#heap.number(shape, CELL_RETAIN) > 0) this.#frozen--;
    }
    this.#discount(shape);
    this.#discount(name);
  }

  /**
   * The stamp until which an expired key of this shape must be kept, since its counts as of the stamp at which another
   * rule took over may still be asked for; 0: not at all.
   */
  retainUntil(prefix: Uint8Array, length: number, expiryUs: number): number {
    const end = namespaceEnd(prefix);
    if (prefix[end] === 0) return 0;
    const shape = this.#find(prefix, length);
    if (shape === 0 || expiryUs <= this.#heap.number(shape, CELL_FROZEN)) return 0;
    return this.#heap.number(shape, CELL_RETAIN);
  }

  /** How many shapes the name has, those of earlier epochs included. `prefix` begins with namespace and name. */
  shapeCount(prefix: Uint8Array): number {
    const name = this.#find(prefix, nameEndOf(prefix));
    return name === 0 ? 0 : this.#heap.word(name, WORD_SHAPES);
  }

  /** Whether any key is counted under this shape, however many others its name has. */
  hasShape(prefix: Uint8Array, length: number): boolean {
    return this.#find(prefix, length) !== 0;
  }

  /** The newest shapes of a name, the last to come first. */
  shapesOf(prefix: Uint8Array): readonly Shape[] {
    const shapes: Shape[] = [];
    this.#eachShape(prefix, (shape) => shapes.push(this.#read(shape, nameEndOf(prefix))));
    return shapes;
  }

  /** Another rule took over at `stampUs`: shapes up to this epoch are kept until `retainUs` at least. */
  freeze(prefix: Uint8Array, epoch: number, stampUs: number, retainUs: number): void {
    const heap = this.#heap;
    this.#eachShape(prefix, (shape) => {
      if (this.#read(shape, nameEndOf(prefix)).epoch > epoch) return;
      const retain = heap.number(shape, CELL_RETAIN);
      if (retain === 0) {
        heap.setNumber(shape, CELL_FROZEN, stampUs);
        this.#frozen++;
      }
      if (retain < retainUs) heap.setNumber(shape, CELL_RETAIN, retainUs);
    });
  }

  #eachShape(prefix: Uint8Array, visit: (shape: number) => void): void {
    const name = this.#find(prefix, nameEndOf(prefix));
    if (name === 0) return;
    let shape = this.#heap.word(name, WORD_FIRST);
    for (let seen = 0; shape !== 0 && seen < MAX_SHAPES_SEEN; seen++) {
      visit(shape);
      shape = this.#heap.word(shape, WORD_AFTER);
    }
  }

  #read(shape: number, nameEnd: number): Shape {
    const length = this.#heap.word(shape, WORD_LENGTH);
    const bytes = new Uint8Array(length);
    this.#heap.copyBytes(shape, CELLS, bytes, 0, length);
    const epochAt = nameEnd + 9;
    return {
      algorithm: bytes[nameEnd]!,
      windowUs: u32At(bytes, nameEnd + 5) * 4294967296 + u32At(bytes, nameEnd + 1),
      epoch: length > epochAt ? u16At(bytes, epochAt) + u16At(bytes, epochAt + 2) * 65536 : 0,
    };
  }

  #hash(prefix: Uint8Array, length: number): number {
    sipHash(this.#seed0, this.#seed1, prefix, 0, length);
    return digest[0]!;
  }

  #find(prefix: Uint8Array, length: number): number {
    const heap = this.#heap;
    const hash = this.#hash(prefix, length);
    for (let record = this.#index.first(hash); record !== 0; record = this.#index.next(record)) {
      if (heap.word(record, WORD_LENGTH) === length && heap.equalBytes(record, CELLS * 8, prefix, 0, length)) {
        return record;
      }
    }
    return 0;
  }

  #findOrAdd(prefix: Uint8Array, length: number): number {
    const found = this.#find(prefix, length);
    return found === 0 ? this.#create(prefix, length) : found;
  }

  #create(prefix: Uint8Array, length: number): number {
    const heap = this.#heap;
    const record = this.#slab.take(CELLS + ((length + 7) >> 3));
    heap.setWord(record, 0, TAG);
    heap.setWord(record, WORD_LENGTH, length);
    for (let word = WORD_COUNT; word < CELL_FROZEN * 2; word++) heap.setWord(record, word, 0);
    heap.setNumber(record, CELL_FROZEN, 0);
    heap.setNumber(record, CELL_RETAIN, 0);
    heap.setBytes(record, CELLS, prefix, 0, length);
    this.#index.insert(this.#hash(prefix, length), record);
    return record;
  }

  #count(record: number, change: number): void {
    this.#heap.setWord(record, WORD_COUNT, this.#heap.word(record, WORD_COUNT) + change);
  }

  #discount(record: number): void {
    if (this.#heap.word(record, WORD_COUNT) > 1) {
      this.#count(record, -1);
      return;
    }
    this.#lastLength = -1;
    this.#index.remove(record);
    this.#slab.give(record);
  }

  #link(name: number, shape: number): void {
    const heap = this.#heap;
    const first = heap.word(name, WORD_FIRST);
    heap.setWord(shape, WORD_AFTER, first);
    if (first !== 0) heap.setWord(first, WORD_BEFORE, shape);
    heap.setWord(name, WORD_FIRST, shape);
    heap.setWord(name, WORD_SHAPES, heap.word(name, WORD_SHAPES) + 1);
  }

  #unlink(name: number, shape: number): void {
    const heap = this.#heap;
    const before = heap.word(shape, WORD_BEFORE);
    const after = heap.word(shape, WORD_AFTER);
    if (before === 0) heap.setWord(name, WORD_FIRST, after);
    else heap.setWord(before, WORD_AFTER, after);
    if (after !== 0) heap.setWord(after, WORD_BEFORE, before);
    heap.setWord(name, WORD_SHAPES, heap.word(name, WORD_SHAPES) - 1);
  }

  save(meta: MetaWriter): void {
    this.#slab.save(meta);
    this.#index.save(meta);
    for (const value of [this.#seed0, this.#seed1, this.#frozen]) meta.number(value);
  }

  load(meta: MetaReader): void {
    this.#slab.load(meta);
    this.#index.load(meta);
    this.#seed0 = meta.number();
    this.#seed1 = meta.number();
    this.#frozen = meta.number();
  }
}

/** Where the namespace ends in an identity. */
function namespaceEnd(prefix: Uint8Array): number {
  return 1 + prefix[0]!;
}

function nameEndOf(prefix: Uint8Array): number {
  const end = namespaceEnd(prefix);
  return end + 1 + prefix[end]!;
}
