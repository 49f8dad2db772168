import type { MetaReader, MetaWriter } from "../memory/meta.ts";

/** A 64-bit hash that is fed words in order: two lanes of 32 bits with different constants. Detects accidents, not attacks. */
export class RollingHash {
  #a = 0x243f6a88;
  #b = 0x13198a2e;

  get high(): number {
    return this.#a >>> 0;
  }

  get low(): number {
    return this.#b >>> 0;
  }

  word(value: number): void {
    const a = Math.imul(this.#a ^ value, 0x9e3779b1);
    this.#a = (a << 13) | (a >>> 19);
    const b = Math.imul((this.#b + value) | 0, 0x85ebca6b);
    this.#b = ((b << 17) | (b >>> 15)) ^ a;
  }

  /** Any non-negative integer below 2^53. */
  number(value: number): void {
    this.word(value | 0);
    this.word((value / 4294967296) | 0);
  }

  /** 16 hexadecimal digits. */
  toHex(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }

  save(meta: MetaWriter): void {
    meta.number(this.high);
    meta.number(this.low);
  }

  load(meta: MetaReader): void {
    this.#a = meta.number() | 0;
    this.#b = meta.number() | 0;
  }
}
