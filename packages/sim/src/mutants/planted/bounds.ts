import type { Mutant } from "../mutant.ts";

/** Bugs in what bounds the memory of a cluster: keys, holds, quotas. */
export const boundMutants: readonly Mutant[] = [
  {
    name: "bound-of-keys-not-held",
    breaks: "new keys are counted above maxKeys, as long as somebody brings some: memory has no bound (K2)",
    edits: [
      {
        file: "limiter/src/keys/key-table.ts",
        search:
          "      this.reclaim(stampUs, this.count + wanted - maxKeys);\n    }\n    return this.count + wanted <= maxKeys;",
        replacement: "      this.reclaim(stampUs, this.count + wanted - maxKeys);\n    }\n    return true;",
      },
    ],
    foundBy: { seeds: 300 },
  },
  {
    name: "bound-of-keys-blind-to-what-expired",
    breaks: "a full table refuses new keys although old ones are over: expiry is not decided when it is asked for (K2)",
    edits: [
      {
        file: "limiter/src/keys/key-table.ts",
        search: "    if (this.count + wanted <= maxKeys) return true;\n",
        replacement: "    return this.count + wanted <= maxKeys;\n",
      },
    ],
    foundBy: { seeds: 300 },
  },
  {
    name: "bound-of-holds-not-held",
    breaks: "one session opens more holds than it may, and withholds them from all others",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "    if (this.count < bounds.maxHolds && ofSession < bounds.maxHoldsPerSession) return true;",
        replacement: "    if (this.count < bounds.maxHolds && ofSession >= 0) return true;",
      },
    ],
    foundBy: { seeds: 300 },
  },
  {
    name: "bound-of-namespace-blind-to-what-expired",
    breaks: "a namespace at its quota refuses new keys although old ones are over (K2)",
    edits: [
      {
        file: "limiter/src/policies/key-quota.ts",
        search: "    for (let turn = 0; turn < 2 && !this.fits(wanted, prefix); turn++) {",
        replacement: "    for (let turn = 2; turn < 2 && !this.fits(wanted, prefix); turn++) {",
      },
    ],
    foundBy: { seeds: 300 },
  },
];
