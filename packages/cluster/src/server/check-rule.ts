import { Buffer } from "node:buffer";
import { Algorithm, isKnownAlgorithm, type Rule } from "@quorumguard/limiter";
import { halfPair } from "./check-text.ts";
import { edgeLimits } from "./edge-limits.ts";
import { fieldBounds } from "./field-bounds.ts";
import { InvalidField } from "./invalid-field.ts";

/** A rule as it came over the wire, unchecked; numbers may be anything that a varint can hold. */
export interface UncheckedRule {
  readonly limit: number;
  readonly windowUs: number;
  readonly algorithm: number;
  readonly burst: number;
  readonly policy: string;
}

/**
 * Turns a rule from the wire into the limiter's, with its defaults filled in. A policy's name alone stays that: its numbers are
 * 0, and the cluster knows them.
 *
 * @throws {InvalidField} when a field is out of bounds; `path` is the rule's own name in the message.
 */
export function checkRule(rule: UncheckedRule, path: string): Rule {
  const { maxLimit, minWindowUs, maxWindowUs } = edgeLimits;
  if (isNameAlone(rule)) {
    checkPolicyName(rule.policy, path);
    return { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: rule.policy };
  }
  if (!Number.isInteger(rule.limit) || rule.limit < 0 || rule.limit > maxLimit) {
    throw new InvalidField(`${path}.limit`, rule.limit, fieldBounds.limit);
  }
  if (!Number.isInteger(rule.windowUs) || rule.windowUs < minWindowUs || rule.windowUs > maxWindowUs) {
    throw new InvalidField(`${path}.window_us`, rule.windowUs, fieldBounds.windowUs);
  }
  checkPolicyName(rule.policy, path);
  const algorithm = checkAlgorithm(rule.algorithm, path);
  const burst = checkBurst(rule, algorithm, path);
  return { algorithm, limit: rule.limit, windowUs: rule.windowUs, burst, policy: rule.policy };
}

/** A policy's name and no number at all: the cluster's policy of that name decides. */
export function isNameAlone({ limit, windowUs, algorithm, burst, policy }: UncheckedRule): boolean {
  return policy !== "" && limit === 0 && windowUs === 0 && algorithm === 0 && burst === 0;
}

function checkPolicyName(policy: string, path: string): void {
  const { maxPolicyBytes } = edgeLimits;
  if (Buffer.byteLength(policy) <= maxPolicyBytes && !halfPair.test(policy)) return;
  throw new InvalidField(`${path}.policy`, policy, `it must be at most ${maxPolicyBytes} bytes of UTF-8`);
}

function checkAlgorithm(algorithm: number, path: string): Algorithm {
  if (algorithm === 0) return Algorithm.slidingWindowLog;
  if (isKnownAlgorithm(algorithm)) return algorithm;
  const bound =
    "it must be 0 (default), 1 (sliding-window-log), 2 (token-bucket), 3 (sliding-window-counter), 4 (fixed-window) or 5 (concurrency)";
  throw new InvalidField(`${path}.algorithm`, algorithm, bound);
}

function checkBurst(rule: UncheckedRule, algorithm: Algorithm, path: string): number {
  const { maxLimit } = edgeLimits;
  if (!Number.isInteger(rule.burst) || rule.burst < 0 || rule.burst > maxLimit) {
    throw new InvalidField(`${path}.burst`, rule.burst, fieldBounds.burst);
  }
  if (algorithm === Algorithm.tokenBucket) {
    // A limit of 0 denies always, whatever the burst; the limiter still wants a bucket of at least one.
    return rule.burst === 0 ? Math.max(1, rule.limit) : rule.burst;
  }
  if (rule.burst === 0) return 0;
  throw new InvalidField(
    `${path}.burst`,
    rule.burst,
    "only token-bucket has a burst; leave it out or set the algorithm",
  );
}
