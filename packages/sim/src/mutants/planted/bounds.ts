import type { Mutant } from "../mutant.ts";

const emptyNamespaces = "limiter/src/policies/empty-namespaces.test.ts";

/** Bugs in what bounds the memory of a cluster: keys, holds, quotas, namespaces. */
export const boundMutants: readonly Mutant[] = [
  {
    name: "bound-of-keys-not-held",
    breaks: "new keys are counted above maxKeys, as long as somebody brings some: memory has no bound (K2)",
    edits: [
      {
        file: "limiter/src/keys/key-table.ts",
        search:
          "      this.sweep.reclaim(stampUs, this.count + wanted - maxKeys);\n    }\n    return this.count + wanted <= maxKeys;",
        replacement: "      this.sweep.reclaim(stampUs, this.count + wanted - maxKeys);\n    }\n    return true;",
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
  {
    name: "namespace-begins-at-an-old-version",
    breaks:
      "a namespace that comes back begins at version 0: clients that knew it heed no change until it is that far again",
    edits: [
      {
        file: "limiter/src/policies/policy-book.ts",
        search: "    return Math.max(...[...this.#namespaces.values()].map(({ version }) => version));",
        replacement: "    return 0;",
      },
    ],
    foundBy: { tests: [emptyNamespaces] },
  },
  {
    name: "namespace-goes-while-it-counts",
    breaks:
      "a namespace gives up its place while programs count by what its policies left: what keys used is lost (K1)",
    edits: [
      {
        file: "limiter/src/policies/empty-namespaces.ts",
        search: "if (census.shapeCount(namePrefix(name, lineage)) > 0) return true;",
        replacement: "if (census.shapeCount(namePrefix(name, lineage)) < 0) return true;",
      },
    ],
    foundBy: { tests: [emptyNamespaces] },
  },
  {
    name: "namespace-asked-for-by-its-last-name",
    breaks: "a namespace that took another's place has no policies for those who asked for it just before",
    edits: [
      {
        file: "limiter/src/policies/policy-book.ts",
        search: "    this.#lastSize = -1;\n    return created;",
        replacement: "    return created;",
      },
    ],
    foundBy: { tests: [emptyNamespaces] },
  },
];
