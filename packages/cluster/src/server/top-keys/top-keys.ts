import { missedAtMost, trulyAtLeast } from "./sampling-error.ts";
import { SpaceSaving } from "./space-saving.ts";

/** What a list of top keys is ordered by. */
export type TopBy = "denials" | "load";

/** Whose decisions are counted together: a key under a policy (empty: under limits that callers give), in a namespace. */
export interface CountedKey {
  readonly namespace: string;
  readonly policy: string;
  readonly key: string;
}

/** A key that had many decisions, or denials. */
export interface TopKey extends CountedKey {
  /** Decisions or denials, as far as is known: exact if both errors are 0. */
  readonly count: number;
  /** The truth is at least `count - overcount`: others' may be in it, or more were looked at than is usual by chance. */
  readonly overcount: number;
  /** The truth is at most `count + undercount`: 0 unless there was so much that not all of it was looked at. */
  readonly undercount: number;
}

/** The heaviest keys of a time that has just passed. */
export interface TopList {
  /** How long that time is, in milliseconds. */
  readonly overMs: number;
  readonly keys: readonly TopKey[];
}

/** How much is kept, and for how long. */
export interface TopKeysOptions {
  /** Milliseconds that never step. */
  readonly nowMs: () => number;
  /** Names kept in each of the four sketches. Default 1,024: about 2 MB in all, if every name is as long as it may be. */
  readonly capacity?: number;
  /** What is older than twice this is forgotten. Default 60,000 milliseconds: what is going on, not what once was. */
  readonly generationMs?: number;
}

interface Generation {
  readonly load: SpaceSaving;
  readonly denials: SpaceSaving;
  readonly sinceMs: number;
  /** The largest of what decisions stood for. */
  weight: number;
}

/**
 * Which keys have the most decisions, and the most denials, lately: in bounded memory, of this node alone, never
 * replicated. The truth is between `count - overcount` and `count + undercount`: surely if all decisions were told, else
 * but for at most one key in a thousand on either side.
 */
export class TopKeys {
  readonly #nowMs: () => number;
  readonly #capacity: number;
  readonly #generationMs: number;
  #current: Generation;
  #previous: Generation | null = null;

  constructor(options: TopKeysOptions) {
    this.#nowMs = options.nowMs;
    this.#capacity = options.capacity ?? 1_024;
    this.#generationMs = options.generationMs ?? 60_000;
    this.#current = this.#begin();
  }

  /** `name` as {@link nameOf} makes it; `weight`: how many decisions this one stands for, chosen by its own chance. */
  decided(name: string, denied: boolean, weight: number): void {
    this.#turn();
    this.#current.weight = Math.max(this.#current.weight, weight);
    this.#current.load.add(name, weight);
    if (denied) this.#current.denials.add(name, weight);
  }

  /** The heaviest keys, the heaviest first; of one namespace if that is given. */
  read(by: TopBy, max: number, namespace: string | null = null): TopList {
    this.#turn();
    const generations = this.#previous === null ? [this.#current] : [this.#current, this.#previous];
    const merged = new Map<string, TopKey>();
    for (const generation of generations) {
      for (const { name } of generation[by].entries()) {
        if (merged.has(name)) continue;
        const counted = readName(name);
        if (namespace === null || counted.namespace === namespace)
          merged.set(name, sum(name, counted, by, generations));
      }
    }
    const keys = [...merged.values()].sort((a, b) => b.count - a.count || compare(a.key, b.key)).slice(0, max);
    return { overMs: this.#nowMs() - generations.at(-1)!.sinceMs, keys };
  }

  #turn(): void {
    const age = this.#nowMs() - this.#current.sinceMs;
    if (age < this.#generationMs) return;
    this.#previous = age < 2 * this.#generationMs ? this.#current : null;
    this.#current = this.#begin();
  }

  #begin(): Generation {
    const [load, denials] = [new SpaceSaving(this.#capacity), new SpaceSaving(this.#capacity)];
    return { load, denials, sinceMs: this.#nowMs(), weight: 1 };
  }
}

function sum(name: string, counted: CountedKey, by: TopBy, generations: readonly Generation[]): TopKey {
  let count = 0;
  let overcount = 0;
  for (const { [by]: sketch } of generations) {
    const kept = sketch.get(name);
    // One that is not kept there may have weighed as much as the lightest that is.
    count += kept?.count ?? sketch.floor;
    overcount += kept?.overcount ?? sketch.floor;
  }
  const weight = Math.max(...generations.map((generation) => generation.weight));
  const least = trulyAtLeast(count - overcount, weight);
  return { ...counted, count, overcount: count - least, undercount: missedAtMost(count, weight) };
}

/** One string for a key: the lengths in front keep different ones apart, whatever characters they have. */
export function nameOf({ namespace, policy, key }: CountedKey): string {
  return `${namespace.length}:${policy.length}:${namespace}${policy}${key}`;
}

function readName(name: string): CountedKey {
  const [, namespaceLength, policyLength] = /^(\d+):(\d+):/.exec(name) ?? [];
  const start = `${namespaceLength}:${policyLength}:`.length;
  const middle = start + Number(namespaceLength);
  const end = middle + Number(policyLength);
  return { namespace: name.slice(start, middle), policy: name.slice(middle, end), key: name.slice(end) };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
