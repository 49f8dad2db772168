/**
 * HalfSipHash-1-3 (Aumasson and Bernstein's SipHash on 32-bit words): a keyed hash, so that who does not know the seed
 * cannot choose keys that share a bucket.
 */

/** The two halves of the last digest of {@link sipHash}; an out-parameter, so that the hot path allocates nothing. */
export const digest = new Uint32Array(2);

/** Hashes `bytes[start, start + length)` under a 64-bit key; returns the first half, and leaves both in {@link digest}. */
export function sipHash(key0: number, key1: number, bytes: Uint8Array, start: number, length: number): number {
  let v0 = key0 | 0;
  let v1 = (key1 ^ 0xee) | 0;
  let v2 = (key0 ^ 0x6c796765) | 0;
  let v3 = (key1 ^ 0x74656462) | 0;
  const whole = start + (length & ~3);
  let tail = length << 24;
  for (let i = whole, shift = 0; i < start + length; i++, shift += 8) tail |= bytes[i]! << shift;
  for (let i = start; i <= whole; i += 4) {
    const word = i === whole ? tail : bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  v2 ^= 0xee;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  digest[0] = v1 ^ v3;
  digest[1] = v0 ^ v2;
  return digest[0]!;
}

/** Mixes two words under the seed: a hash for blocks that are found by numbers. */
export function mixWords(seed: number, a: number, b: number): number {
  let h = seed ^ a;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h ^= b;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x9e3779b1);
  return (h ^ (h >>> 15)) >>> 0;
}
