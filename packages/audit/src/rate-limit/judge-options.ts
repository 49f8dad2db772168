import { Algorithm, Verb } from "@quorumguard/limiter";
import type { CommittedCall } from "./call-operation.ts";
import type { TimeBreak } from "./caller-audit.ts";
import type { AskedItem } from "./records.ts";

/** What is known besides the calls, and what the judge may spend. */
export interface JudgeOptions {
  /** The final log, whole, by ascending place; without it calls are held against each other and against time alone. */
  readonly log?: readonly CommittedCall[];
  /** Calls of the log that need not be in the history: their callers died with what they knew. Default: none. */
  readonly mayBeUnheard?: (entry: CommittedCall) => boolean;
  /**
   * Whether there is a model of what an item asks; counters that anything else touches are judged by their places in the
   * log alone. Default: takes under every algorithm but `concurrency`.
   */
  readonly isModelled?: (item: AskedItem) => boolean;
  /**
   * How old the state may be from which a denial without an entry was answered, in microseconds: the CheckQuorum window,
   * or the delay of a push to a client's cache (DESIGN §1). Default 500,000.
   */
  readonly stalenessUs?: number;
  /**
   * How much stamp time may be lost in any stretch of a few windows on top of the slew of 1 %, in microseconds: what
   * heartbeats and elections take at changes of leader. Default 1,000,000.
   */
  readonly stampLagUs?: number;
  /** Spans in which stamps may have jumped, by a restart of the whole cluster. Default: none. */
  readonly timeBreaks?: readonly TimeBreak[];
  /** Configurations that the search may try per group of counters that depend on each other. Default 1,000,000. */
  readonly maxSteps?: number;
  /** Milliseconds for all searches together. Default: no limit, so that the verdict is the same on every machine. */
  readonly timeLimitMs?: number;
  /** Monotonic milliseconds, asked only where there is a time limit. */
  readonly nowMs?: () => number;
}

/** Options with every default in place. */
export interface ResolvedJudgeOptions {
  readonly log: readonly CommittedCall[] | null;
  readonly mayBeUnheard: (entry: CommittedCall) => boolean;
  readonly isModelled: (item: AskedItem) => boolean;
  readonly stalenessUs: number;
  readonly stampLagUs: number;
  readonly timeBreaks: readonly TimeBreak[];
  readonly maxSteps: number;
  readonly timeLimitMs: number;
  readonly nowMs: () => number;
}

/** Whether an item is a take that the models here know: `concurrency` counts holders and knows no takes. */
export function isPlainTake({ verb = Verb.take, rule }: AskedItem): boolean {
  return verb === Verb.take && rule.algorithm !== Algorithm.concurrency;
}

/**
 * Fills in defaults.
 *
 * @throws {RangeError} naming field, value and bound.
 */
export function resolveJudgeOptions(options: JudgeOptions): ResolvedJudgeOptions {
  const resolved = {
    log: options.log ?? null,
    mayBeUnheard: options.mayBeUnheard ?? (() => false),
    isModelled: options.isModelled ?? isPlainTake,
    stalenessUs: options.stalenessUs ?? 500_000,
    stampLagUs: options.stampLagUs ?? 1_000_000,
    timeBreaks: options.timeBreaks ?? [],
    maxSteps: options.maxSteps ?? 1_000_000,
    timeLimitMs: options.timeLimitMs ?? Number.POSITIVE_INFINITY,
    nowMs: options.nowMs ?? (() => performance.now()),
  };
  for (const name of ["stalenessUs", "stampLagUs", "maxSteps", "timeLimitMs"] as const)
    if (!(resolved[name] >= 0)) throw new RangeError(`${name} is ${resolved[name]}, must be 0 or more`);
  return resolved;
}
