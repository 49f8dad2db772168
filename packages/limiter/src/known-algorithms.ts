import { algorithmOf } from "./algorithms/registry.ts";
import type { Algorithm } from "./rule.ts";

/** Whether this version can count by the algorithm of that number. */
export function isKnownAlgorithm(number: number): number is Algorithm {
  return algorithmOf(number) !== undefined;
}
