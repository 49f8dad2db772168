import { seededRandom } from "./random.ts";
import { zipfRanks } from "./zipf.ts";

/** Whom the calls of a workload are about. */
export type KeySource = KeyNames & {
  /** Shorter keys are filled up to so many bytes. Default 0: they are as they are. */
  readonly bytes?: number;
};

type KeyNames =
  /** Every call has a key of its own. */
  | { readonly kind: "unique" }
  /** All calls have the same one. */
  | { readonly kind: "one" }
  | { readonly kind: "uniform"; readonly count: number }
  /** All members of a population, one after the other: until they are there. */
  | { readonly kind: "each"; readonly count: number; readonly from: number }
  | { readonly kind: "zipf"; readonly count: number; readonly exponent: number }
  /** This share of the calls comes from a few keys, each far above its limit; every other call has a key of its own. */
  | { readonly kind: "attack"; readonly attackers: number; readonly share: number };

/** The keys of one process in one sample. */
export interface KeySequence {
  /** The key of its n-th call. */
  keyOf(n: number): string;
  /** Whether calls beyond this one may have the same key in numbers that reach a limit: admissions of such keys are added up. */
  isShared(n: number): boolean;
}

/** Whether some key is asked for again and again. */
export function repeatsKeys({ kind }: KeySource): boolean {
  return kind === "one" || kind === "zipf" || kind === "attack";
}

/** Drawn beforehand, so that drawing is not measured; more than a process asks for in a sample. */
const drawn = 2 ** 20;

/**
 * `sample` differs from sample to sample and is the same in all processes of one; `own` differs between the processes too. Keys of
 * populations are the same in all samples.
 */
export function keySequence(source: KeySource, sample: string, own: string, seed: number): KeySequence {
  const { bytes = 0 } = source;
  const { keyOf, isShared } = namedKeys(source, sample, own, seed);
  return { keyOf: bytes === 0 ? keyOf : (n) => keyOf(n).padEnd(bytes, "."), isShared };
}

function namedKeys(source: KeyNames, sample: string, own: string, seed: number): KeySequence {
  switch (source.kind) {
    case "unique":
      return { keyOf: (n) => `${own}/${n}`, isShared: () => false };
    case "one":
      return { keyOf: () => sample, isShared: () => true };
    case "each":
      return { keyOf: (n) => memberName((source.from + n) % source.count), isShared: () => false };
    case "uniform":
      return population(source, seed, (share) => Math.floor(share * source.count));
    case "zipf":
      return population(source, seed, zipfRanks(source.count, source.exponent));
    case "attack": {
      const { attackers, share } = source;
      // A number beyond the attackers is nobody's but the call's.
      const who = draws(seed, (random) => Math.floor((random / share) * attackers));
      const names = Array.from({ length: attackers }, (_, attacker) => `${sample}/attacker-${attacker}`);
      return {
        keyOf: (n) => names[who[n % drawn]!] ?? `${own}/${n}`,
        isShared: (n) => who[n % drawn]! < attackers,
      };
    }
  }
}

const memberName = (member: number) => `member-${member}`;

function population(source: KeySource, seed: number, memberOf: (share: number) => number): KeySequence {
  const members = draws(seed, memberOf);
  const isShared = repeatsKeys(source);
  return { keyOf: (n) => memberName(members[n % drawn]!), isShared: () => isShared };
}

function draws(seed: number, numberOf: (share: number) => number): Uint32Array {
  const random = seededRandom(seed);
  const numbers = new Uint32Array(drawn);
  for (let at = 0; at < drawn; at++) numbers[at] = numberOf(random());
  return numbers;
}
