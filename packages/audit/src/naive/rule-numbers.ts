import { Algorithm, type PolicyDocument, type Rule } from "@quorumguard/limiter";
import type { OwnNumbers } from "./naive-records.ts";

/** The numbers of a policy as rules have them. */
export function ruleOf({ name, algorithm, limit, windowMs, burst = 0 }: PolicyDocument): Rule {
  const numbers: Readonly<Record<PolicyDocument["algorithm"], Algorithm>> = {
    "sliding-window-log": Algorithm.slidingWindowLog,
    "token-bucket": Algorithm.tokenBucket,
    "sliding-window-counter": Algorithm.slidingWindowCounter,
    "fixed-window": Algorithm.fixedWindow,
    concurrency: Algorithm.concurrency,
  };
  return { algorithm: numbers[algorithm], limit, windowUs: windowMs * 1000, burst, policy: name };
}

/** For how long after a charge a counter can differ from an unused one. */
export function spanUs({ algorithm, limit, windowUs, burst }: Rule): number {
  if (algorithm !== Algorithm.tokenBucket) return 2 * windowUs;
  return limit === 0 ? windowUs : Math.ceil(burst / limit) * windowUs + windowUs;
}

/** What callers bring keeps counters of others for two days at most. */
export const callersSpanUs = (us: number) => Math.min(us, 172_800_000_000);

/** The smaller limit; one of 0 admits nothing, and sets no rate. */
export const slowerOf = (one: number, other: number) => Math.min(one || other, other || one);

/** What a bucket took over goes at least within its window, if no rate is known. */
export const orWithinWindow = (limit: number, burst: number) => limit || Math.max(1, burst);

/** A bucket that a key with numbers of its own is not asked under drains at the slower rate, and holds the larger burst. */
export function withOwn(rule: Rule, own: OwnNumbers | null): Rule {
  if (rule.algorithm !== Algorithm.tokenBucket) return rule;
  const burst = Math.max(rule.burst, own?.burst ?? 0);
  return { ...rule, limit: orWithinWindow(slowerOf(rule.limit, own?.limit ?? 0), burst), burst };
}
