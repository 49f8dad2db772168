import { findByScripts, ownScripts } from "./find-by-scripts.ts";
import { findBySeeds, passesSeed } from "./find-by-seeds.ts";
import { findByTests } from "./find-by-tests.ts";
import { type Attempt, type Finding, nothing } from "./finding.ts";
import type { Mutant } from "./mutant.ts";
import type { WorkspaceCopy } from "./workspace-copy.ts";

/** Bounds of the search, and the scripts to use besides the core's own. */
export interface JudgeOptions {
  /** At most so many seeds, whatever a mutant says. */
  readonly maxSeeds: number;
  /** A folder of scripts, or null. */
  readonly scripts: string | null;
  /** This way alone, whether or not the mutant names it; null: those that it names. */
  readonly only: Way | null;
  /** For each way of each mutant. */
  readonly timeoutMs: number;
}

/** How mutants are looked for, the cheapest first. */
export const ways = ["tests", "scripts", "seeds"] as const;

/** One of {@link ways}. */
export type Way = (typeof ways)[number];

/** What became of a mutant: what found it, or why nothing did. */
export interface Verdict {
  readonly mutant: string;
  readonly by: Way | null;
  readonly test?: string;
  readonly script?: string;
  readonly seed?: number;
  /** The promise that was broken, in the words of who noticed. */
  readonly violation?: string;
  /** If it survived: what each way came to. */
  readonly why?: string;
  readonly seconds: number;
}

/** Plants one bug into a copy of `sound`, and looks for it in the ways that the mutant names until it is found. */
export async function judge(mutant: Mutant, sound: WorkspaceCopy, options: JudgeOptions): Promise<Verdict> {
  const startMs = performance.now();
  const copy = sound.mutated(mutant.edits);
  const whys: string[] = [];
  let finding: Finding | null = null;
  try {
    for (const way of ways) {
      if (options.only !== null && options.only !== way) continue;
      const attempt = await look(way, mutant, copy, sound, options);
      if (attempt === null) continue;
      finding = attempt.finding;
      if (attempt.finding !== null) break;
      whys.push(attempt.why);
    }
  } finally {
    copy.remove();
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  if (finding === null) return { mutant: mutant.name, by: null, why: whys.join("; ") || "no way to look", seconds };
  return { mutant: mutant.name, ...finding, seconds };
}

/** Null: the mutant is not to be looked for in this way. */
async function look(
  way: Way,
  mutant: Mutant,
  copy: WorkspaceCopy,
  sound: WorkspaceCopy,
  options: JudgeOptions,
): Promise<Attempt | null> {
  const { tests, scripts, seeds } = mutant.foundBy;
  const { timeoutMs, maxSeeds } = options;
  const insists = options.only === way;
  if (way === "tests") return tests === undefined ? null : findByTests(copy.folder, tests, timeoutMs);
  if (way === "scripts") {
    const roots = [ownScripts, ...(options.scripts === null ? [] : [options.scripts])];
    return scripts === undefined && !insists ? null : findByScripts(copy.folder, roots, timeoutMs);
  }
  if (seeds === undefined && !insists) return null;
  return lookBySeeds(copy, sound, Math.min(seeds ?? maxSeeds, maxSeeds), timeoutMs);
}

/** A seed that fails on the sound sources as well says nothing of the mutant: the search goes on behind it. */
async function lookBySeeds(
  copy: WorkspaceCopy,
  sound: WorkspaceCopy,
  seeds: number,
  timeoutMs: number,
): Promise<Attempt> {
  const deadlineMs = performance.now() + timeoutMs;
  const leftMs = () => Math.max(1, deadlineMs - performance.now());
  const unsound: number[] = [];
  for (let start = 1; start <= seeds; start = unsound.at(-1)! + 1) {
    const attempt = await findBySeeds(copy.folder, start, seeds, leftMs());
    if (attempt.finding?.by !== "seeds") return attempt;
    const { seed } = attempt.finding;
    if (await passesSeed(sound.folder, seed, leftMs())) return attempt;
    unsound.push(seed);
  }
  return nothing(`seeds ${unsound.join(", ")} fail on the sound sources too`);
}
