import type { KeyTable } from "../keys/key-table.ts";

/** How many keys the namespace of the present operation may have in the table. */
export class KeyQuota {
  readonly #keys: KeyTable;
  #most: number | null = null;

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /** `most`: null for as many as there is room for. */
  begin(most: number | null): void {
    this.#most = most;
  }

  /** Whether there is room for so many more counters beside all that are in the table now, expired or not. */
  fits(wanted: number, prefix: Uint8Array): boolean {
    return this.#most === null || this.#keys.census.keysOf(prefix) + wanted <= this.#most;
  }

  /** The same after expired counters have made room, in bounded work: whether one has expired is decided now (SEMANTICS K2). */
  makeRoom(wanted: number, prefix: Uint8Array, stampUs: number): boolean {
    // What is there stays, also above a quota that came later.
    if (wanted === 0) return true;
    // Twice, since a turn that meets the end of a lap stops there.
    for (let turn = 0; turn < 2 && !this.fits(wanted, prefix); turn++) {
      this.#keys.sweep.reclaim(stampUs, Number.POSITIVE_INFINITY);
    }
    return this.fits(wanted, prefix);
  }
}
