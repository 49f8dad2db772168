import type { Mutant } from "../mutant.ts";

const ratesOfKeys = "limiter/src/policies/rates-of-keys.test.ts";
const ownNumbers = "limiter/src/policies/own-numbers.test.ts";

/** Bugs in what becomes of the counts of keys that have numbers of their own, when a rule takes over or these change. */
export const ownNumbersMutants: readonly Mutant[] = [
  {
    name: "bucket-full-when-the-old-rate-says-so",
    breaks: "a key that an override slows down has its whole burst again when its faster rate would have refilled it",
    edits: [
      {
        file: "limiter/src/policies/settle-rates.ts",
        search: "      if (newLimit === 0) continue;",
        replacement: "      if (newLimit >= 0) continue;",
      },
    ],
    foundBy: { tests: ["limiter/src/algorithms/token-bucket.test.ts"] },
  },
  {
    name: "slow-counter-forgotten",
    breaks:
      "a key that an override makes slower than its policy is given everything back by changes for all others (K1)",
    edits: [
      {
        file: "limiter/src/policies/lineage.ts",
        search: "retainUs > stampUs || living.has(epoch)",
        replacement: "retainUs > stampUs",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/slow-keys.test.ts"] },
  },
  {
    name: "waiting-counts-left-to-the-new-numbers",
    breaks:
      "what waits to be carried over is reckoned by an override that came after it: a slow key is free at once (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-waiting.ts",
        search: "      if (!old.some(isThere)) continue;",
        replacement: "      if (old.some(isThere)) continue;",
      },
    ],
    foundBy: { tests: [ratesOfKeys] },
  },
  {
    name: "waiting-counts-by-the-policys-rate",
    breaks:
      "a key that is slower than its policy gets back what waits for it at the policy's rate: 200 in two minutes (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "numbers: slowerOf(numbers, own), from: carried",
        replacement: "numbers: slowerOf(numbers, null), from: carried",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "told-again-when-swept",
    breaks:
      "an override counts backwards for a key whose counter is empty and swept: a day's old count is back (K1, K2)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "    this.#handOn(rule, rule.epochs.length - 1, this.#allCounters(rule, bytes, start, length));\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "drained-comes-back-with-slower-numbers",
    breaks: "what a key's numbers had drained under a rule that never counted it is back once it gets slower ones (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "    } else if (trace.emptied >= 0) {",
        replacement: "    } else if (trace.emptied > rule.epochs.length) {",
      },
    ],
    foundBy: { tests: ["audit/src/naive/own-numbers.test.ts"] },
  },
  {
    name: "empty-counter-is-one-until-swept",
    breaks:
      "whether a key was asked under a rule hangs on a counter that is empty, and stays so only until a sweep (K1, K2)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "block !== 0 && this.#keys.usedAt(rules[shape]!, block, epoch.endUs) > 0);",
        replacement: "block !== 0 && this.#keys.usedAt(rules[shape]!, block, epoch.endUs) >= 0);",
      },
    ],
    foundBy: { tests: ["audit/src/naive/own-numbers.test.ts"] },
  },
  {
    name: "carried-over-anew-only-when-swept",
    breaks:
      "what a key's own numbers are told of rules that never counted it hangs on whether its empty counter was swept (K2)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "    if (keys.usedAt(rule.quota, block, rule.stampUs) > 0) return true;",
        replacement: "    if (keys.usedAt(rule.quota, block, rule.stampUs) >= 0) return true;",
      },
    ],
    foundBy: { tests: ["audit/src/naive/own-numbers.test.ts"] },
  },
  {
    name: "drained-is-told-to-windows",
    breaks: "an override under a window has a counter made for it, by what a bucket counted that is long drained (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "      untouched = [];\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["audit/src/naive/own-numbers.test.ts"] },
  },
  {
    name: "slow-key-swept-by-the-policys-time",
    breaks: "what waits for a key of a slow tier is swept when its policy would have forgotten it (K1)",
    edits: [
      {
        file: "limiter/src/policies/own-keeper.ts",
        search: "    if (own === null) return 0;",
        replacement: "    if (own === null || own.limit >= 0) return 0;",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/slow-keys.test.ts"] },
  },
];
