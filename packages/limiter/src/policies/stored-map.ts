import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import { canonicalJson, type Json } from "./canonical.ts";
import type { TextStore } from "./text-store.ts";

interface Place {
  readonly address: number;
  readonly bytes: number;
}

/**
 * Values by id, in the order in which they came, each kept as canonical JSON in the heap and as an object beside it. After
 * a snapshot was restored the objects are made from the text when they are first asked for; so who makes one gives it its
 * fields in the order of that text, or what nodes tell of it would not be the same.
 */
export class StoredMap<T> {
  readonly #texts: TextStore;
  readonly #idOf: (value: T) => string;
  readonly #values = new Map<string, T>();
  readonly #places = new Map<string, Place>();
  #unread: readonly number[] = [];
  #bytes = 0;

  constructor(texts: TextStore, idOf: (value: T) => string) {
    this.#texts = texts;
    this.#idOf = idOf;
  }

  get size(): number {
    return this.#values.size + this.#unread.length;
  }

  /** Bytes of all values as JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All values by id, the oldest first; one that is replaced keeps its place. Changes with the map. */
  get view(): ReadonlyMap<string, T> {
    this.#open();
    return this.#values;
  }

  get(id: string): T | undefined {
    return this.view.get(id);
  }

  /** The one that came last; undefined: there is none. */
  last(): T | undefined {
    const unread = this.#unread.at(-1);
    if (unread !== undefined) return JSON.parse(this.#texts.get(unread).text) as T;
    return [...this.#values.values()].at(-1);
  }

  /** `json`: the value's canonical form, if it is at hand. */
  set(value: T, json = canonicalJson(value as Json)): void {
    this.#open();
    const id = this.#idOf(value);
    this.#free(id);
    const place = this.#texts.put(json);
    this.#values.set(id, value);
    this.#places.set(id, place);
    this.#bytes += place.bytes;
  }

  delete(id: string): void {
    this.#open();
    this.#free(id);
    this.#values.delete(id);
    this.#places.delete(id);
  }

  clear(): void {
    for (const address of this.#unread) this.#texts.free(address);
    for (const { address } of this.#places.values()) this.#texts.free(address);
    this.#unread = [];
    this.#values.clear();
    this.#places.clear();
    this.#bytes = 0;
  }

  #free(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#texts.free(place.address);
    this.#bytes -= place.bytes;
  }

  #open(): void {
    if (this.#unread.length === 0) return;
    const unread = this.#unread;
    this.#unread = [];
    for (const address of unread) {
      const { text, bytes } = this.#texts.get(address);
      const value = JSON.parse(text) as T;
      const id = this.#idOf(value);
      this.#values.set(id, value);
      this.#places.set(id, { address, bytes });
    }
  }

  save(meta: MetaWriter): void {
    meta.number(this.#bytes);
    meta.numbers(this.#unread.length > 0 ? this.#unread : [...this.#places.values()].map(({ address }) => address));
  }

  load(meta: MetaReader): void {
    this.#bytes = meta.number();
    this.#unread = Array.from(meta.numbers());
  }
}
