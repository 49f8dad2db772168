/**
 * The documents of a namespace, as operators write and read them. Durations are whole milliseconds; every number is a
 * whole one. Documents are plain JSON, so that what is in a file, in the log and in an answer is the same.
 */

import type { Algorithm } from "../rule.ts";

/** The algorithms that count admissions, by the names that documents and callers use. */
export const countingAlgorithmNames = [
  "sliding-window-log",
  "token-bucket",
  "sliding-window-counter",
  "fixed-window",
] as const;
/** All algorithms by name: `concurrency` counts holders. */
export const algorithmNames = [...countingAlgorithmNames, "concurrency"] as const;
/** One of {@link algorithmNames}; its number in the log is its place there, counted from 1. */
export type AlgorithmName = (typeof algorithmNames)[number];

/** The number in the log of an algorithm by its name. */
export function algorithmNumber(name: AlgorithmName): Algorithm {
  return (algorithmNames.indexOf(name) + 1) as Algorithm;
}

/** When a key is shut out for its denials, and for how long. */
export interface BanDocument {
  /** This many denials within `windowMs` start a ban, 1 to 512: each is remembered with its stamp. */
  readonly denials: number;
  /** 1 ms to 400 days. */
  readonly windowMs: number;
  /** How long the first ban lasts, the second…; the last one repeats. 1 to 16 durations of 1 ms to 400 days. */
  readonly durationsMs: readonly number[];
  /** From the last of `durationsMs` on, each ban lasts so many times the one before, 1 to 1,000; absent: 1. */
  readonly factor?: number;
  /** No ban lasts longer, 1 ms to 400 days. Required with a factor above 1. */
  readonly maxDurationMs?: number;
  /** A key that was not banned for so long starts with the first duration again. */
  readonly forgetAfterMs: number;
}

/** One named limit. */
export interface PolicyDocument {
  /** 1 to 128 bytes. Calls name it; numbers that travel inline under the same name give way to it. */
  readonly name: string;
  readonly algorithm: AlgorithmName;
  /** Admissions per window, 0 (always denied) to 2^31-1; slots under `concurrency`. */
  readonly limit: number;
  /** 1 ms to 400 days. */
  readonly windowMs: number;
  /** Token bucket only: how many at once, 1 to 2^31-1. */
  readonly burst?: number;
  readonly ban?: BanDocument;
  /** Decide and count, never enforce. */
  readonly shadow?: boolean;
  /** What SDKs do when the cluster cannot be had. */
  readonly onUnavailable?: "local" | "allow" | "deny" | "throw";
  /** Whether SDKs may hold leases. */
  readonly lease?: boolean;
  /** Free text for whoever reads it later, up to 512 bytes. */
  readonly description?: string;
}

/** Other numbers for a single key under a policy, or under the name that inline numbers travel with. */
export interface OverrideDocument {
  readonly policy: string;
  readonly key: string;
  readonly limit: number;
  /** Token bucket; absent: as the policy says. */
  readonly burst?: number;
}

/** Other numbers for a group of keys, one row for each policy that the tier changes. */
export interface TierDocument {
  readonly name: string;
  readonly limits: readonly TierLimit[];
}

/** What a tier says about one policy. */
export interface TierLimit {
  readonly policy: string;
  readonly limit: number;
  readonly burst?: number;
}

/** Which tier a key is in. */
export interface TierKeyDocument {
  readonly key: string;
  readonly tier: string;
}

/** One row of the allow-list or deny-list. */
export interface ListEntryDocument {
  readonly list: "allow" | "deny";
  /**
   * `key`: this very key. `prefix`: keys that begin so. `range`: keys that are an address or a network in a CIDR range,
   * alone or behind the label `ip:`.
   */
  readonly match: "key" | "prefix" | "range";
  readonly value: string;
  /** Only under this policy; absent: under every rule of the namespace, inline ones included. */
  readonly policy?: string;
  readonly description?: string;
}

/** Everything that is set for a namespace, each list in the order of names. */
export interface NamespaceDocument {
  readonly policies: readonly PolicyDocument[];
  readonly overrides: readonly OverrideDocument[];
  readonly tiers: readonly TierDocument[];
  readonly tierKeys: readonly TierKeyDocument[];
  readonly lists: readonly ListEntryDocument[];
  /** Keys with a live count that the namespace may have; null: as many as the cluster has room for. */
  readonly maxKeys: number | null;
}
