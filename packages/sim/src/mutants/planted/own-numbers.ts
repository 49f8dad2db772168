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
        search: "numbers: slowerOf(numbers, own), from: left",
        replacement: "numbers: slowerOf(numbers, null), from: left",
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
        search:
          "    this.#handOn(rule, rule.epochs.length - 1, this.#countersOf(rule, bytes, start, length, false));\n",
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
        search: "    } else if (waiting.emptied >= 0) {",
        replacement: "    } else if (waiting.emptied > rule.epochs.length) {",
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
        search: "    return this.#keys.usedAt(rule, block, endUs) > 0;",
        replacement: "    return this.#keys.usedAt(rule, block, endUs) >= 0;",
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
  {
    name: "held-key-is-not-told",
    breaks:
      "a larger burst gives back what a key with a reservation had used under rules that it was never asked under (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "rule.policy !== null && (own !== null || held) ?",
        replacement: "rule.policy !== null && own !== null ?",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "guess-locks-for-good",
    breaks: "a key that is only taken to be full is in debt with it: denied for days instead of an hour (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "untouched.filter(({ from }) => from.used < FULL);",
        replacement: "untouched.filter(({ from }) => from.used <= FULL);",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "faster-bucket-outdoes-a-slower-one",
    breaks: "what a slow bucket would have counted is forgotten once a faster one stood after it: 99 more (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "return limit > 0 && limit <= earlier.numbers.limit && burst >= from.used;",
        replacement: "return limit > 0 && burst >= from.used;",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "own-rate-forgotten-without-a-policy",
    breaks:
      "a policy goes, and a key whose own rate is slow is given back what it counted after its hours: 1,000 for 3 (K1)",
    edits: [
      {
        file: "limiter/src/policies/own-numbers.ts",
        search: "next === null ? MAX_CALLERS_US :",
        replacement: "next === null ? 0 :",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
  {
    name: "kept-for-the-room-that-a-bucket-has",
    breaks: "who asks late is admitted what who asked at once is in debt with (K1)",
    edits: [
      {
        file: "limiter/src/policies/own-numbers.ts",
        search: "Math.max(burst, most));",
        replacement: "burst);",
      },
    ],
    foundBy: { tests: [ownNumbers] },
  },
];
