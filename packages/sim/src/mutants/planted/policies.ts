import type { Mutant } from "../mutant.ts";

const inForce = "limiter/src/policies/rule-in-force.test.ts";
const book = "limiter/src/policies/policy-book.test.ts";
const takingOver = "limiter/src/policies/taking-over.test.ts";
const heldAcross = "limiter/src/policies/holds-across-changes.test.ts";
const carriedHolds = "limiter/src/holds/carried-holds.test.ts";
const ratesOfKeys = "limiter/src/policies/rates-of-keys.test.ts";
const killSwitch = "limiter/src/policies/kill-switch.test.ts";
const heirs = "limiter/src/policies/heirs.test.ts";

/** Bugs in policies, overrides and shadows, and in what becomes of counts when a rule takes over from another. */
export const policyMutants: readonly Mutant[] = [
  {
    name: "explain-without-carried-holds",
    breaks: "explain tells no open holds of a key while its counts wait to be carried over",
    edits: [
      {
        file: "limiter/src/policies/rehearsal.ts",
        search: "    this.#state.holds.copyTo(holds, block, copy, stampUs);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/explain.test.ts", "limiter/src/policies/foresight.test.ts"] },
  },
  {
    name: "rule-changed-as-of-its-proposal",
    breaks:
      "a change that was decided upon another version is made all the same, once it comes to its place in the log",
    edits: [
      {
        file: "limiter/src/policies/policy-book.ts",
        search: "    if (expectedVersion !== null && expectedVersion !== version) {",
        replacement: "    if (expectedVersion !== null && expectedVersion > version) {",
      },
    ],
    foundBy: { tests: [book] },
  },
  {
    name: "rule-change-made-twice",
    breaks: "a change that is sent again under its id is refused or made again instead of getting its first result",
    edits: [
      {
        file: "limiter/src/policies/policy-book.ts",
        search: "      if (remembered.fingerprint === fingerprint) return remembered.result;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [book], seeds: 300 },
  },
  {
    name: "rule-without-overrides",
    breaks: "a key with numbers of its own is limited like all others",
    edits: [
      {
        file: "limiter/src/policies/namespace-policies.ts",
        search: '    if (override?.kind === "override") {',
        replacement: '    if (override?.kind === "override" && override.value.limit < 0) {',
      },
    ],
    foundBy: { tests: [inForce] },
  },
  {
    name: "rule-enforced-in-a-shadow",
    breaks: "a shadow policy denies groups that it should only count",
    edits: [
      {
        file: "limiter/src/policies/governed-calls.ts",
        search: "      allowed &&= judged.outcome === Outcome.allowed || judged.rule.policy?.shadow === true;",
        replacement: "      allowed &&= judged.outcome === Outcome.allowed;",
      },
    ],
    foundBy: { tests: [inForce] },
  },
  {
    name: "rule-frees-counts",
    breaks: "a policy that takes over from inline numbers finds unused counters: five, then five more (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "        if (old.epoch <= at) used = ",
        replacement: "        if (old.epoch < 0) used = ",
      },
    ],
    foundBy: { tests: [takingOver] },
  },
  {
    name: "rule-leaves-holds-behind",
    breaks: "a reservation whose charge has faded is lost when another rule takes over: nobody can settle it (K1, R1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "    return { carried: left.used > 0 || held ? carried : null,",
        replacement: "    return { carried: left.used > 0 ? carried : null,",
      },
    ],
    foundBy: { tests: [takingOver] },
  },
  {
    name: "range-of-ipv6-not-met",
    breaks: "addresses are looked up by the two groups that those of IPv4 have: no range of IPv6 lists anybody",
    edits: [
      {
        file: "limiter/src/policies/key-list.ts",
        search: "members.has(maskedName(address, example.bits))) return true;",
        replacement: "members.has(maskedName(address.slice(0, 2), example.bits))) return true;",
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "rule-forgets-what-it-cannot-look-for",
    breaks: "what a key used under the 33rd window of a name is admitted again when a policy takes over (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-over.ts",
        search: "      let used = rule.fullUntilUs > endUs ? FULL : 0;",
        replacement: "      let used = 0;",
      },
    ],
    foundBy: { tests: [killSwitch] },
  },
  {
    name: "hold-carried-by-its-old-date",
    breaks:
      "what is held counts as of when it was reserved: the window of the rule that takes over does not see it (K1)",
    edits: [
      {
        file: "limiter/src/holds/open-holds.ts",
        search: "    heap.setNumber(hold, CELL_DATED, Math.max(heap.number(hold, CELL_DATED), stampUs));\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [heldAcross] },
  },
  {
    name: "hold-leaves-nothing-behind",
    breaks:
      "what was held when a rule was replaced is not there when it comes back: five of an hour, then five more (L3)",
    edits: [
      {
        file: "limiter/src/policies/lifted-holds.ts",
        search: "  return hold.cost > 0 ? keys.hold(quota, block, hold, atUs) : block;",
        replacement: "  return hold.cost > 0 && atUs === 0 ? keys.hold(quota, block, hold, atUs) : block;",
      },
    ],
    foundBy: { tests: [heldAcross] },
  },
  {
    name: "hold-brings-its-old-rate-back",
    breaks: "a takeover moves holds under the rate that they were opened under: a slowed bucket refills at once (K1)",
    edits: [
      {
        file: "limiter/src/holds/open-holds.ts",
        search: "    if (algorithm === Algorithm.tokenBucket) quota.limit = 0;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [ratesOfKeys] },
  },
  {
    name: "hold-of-a-dead-session-brings-its-old-rate-back",
    breaks:
      "a slot that ends with its session is settled by the rate that its key once had: a slowed bucket refills (K1)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "      this.settle(hold, this.#movingQuotaOf(hold), 0, Math.min(",
        replacement: "      this.settle(hold, this.#fields.quotaOf(hold), 0, Math.min(",
      },
    ],
    foundBy: { tests: [ratesOfKeys] },
  },
  {
    name: "hold-bound-to-a-rule-that-nobody-asks-by",
    breaks:
      "a held key whose policy went is carried over before anybody asks: its takes are cut to a stranger's burst (K1)",
    edits: [
      {
        file: "limiter/src/policies/carry-held.ts",
        search: "    if (owner!.policy(name!) === null) return 1;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [carriedHolds] },
  },
  {
    name: "hold-moved-on-a-counter-that-stands-still",
    breaks:
      "a takeover lets an old counter drain on by its own rate, and the rule that takes over later by another (K1)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "precedingStampUs, stampUs, this.stillSinceUs(this.#heldKeys.keyOf(hold)));",
        replacement: "precedingStampUs, stampUs, Number.POSITIVE_INFINITY);",
      },
    ],
    foundBy: { tests: [carriedHolds] },
  },
  {
    name: "lease-over-counts-as-of-the-change",
    breaks:
      "a lease that ends before anybody asks its key, its policy gone, is forgotten a window after the change: twice the limit (L1)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "    return lateUs > 0 ? this.stillKeptUntilUs(key) + lateUs : 0;",
        replacement: "    return lateUs > 0 ? this.stillKeptUntilUs(key) * 0 : 0;",
      },
    ],
    foundBy: { tests: ["limiter/src/holds/carried-holds.test.ts", "audit/src/naive/holds-across-rules.test.ts"] },
  },
  {
    name: "takeover-moves-what-is-over",
    breaks: "a takeover moves a lease whose time was over, as if it could still be spent (L2, S5)",
    edits: [
      {
        file: "limiter/src/holds/key-holds.ts",
        search: "      if (this.#fields.isOver(hold)) continue;\n",
        replacement: "",
      },
      {
        file: "limiter/src/holds/key-holds.ts",
        search: "    if (this.#fields.isOver(hold)) return false;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/holds/carried-holds.test.ts"] },
  },
  {
    name: "hold-locked-in-by-a-full-table",
    breaks: "in a full table nobody can commit or give back what a deleted policy left open (R1)",
    edits: [
      {
        file: "limiter/src/policies/governed-calls.ts",
        search: "    if (refusal !== null && !isSettling) return refusal;",
        replacement: "    if (refusal !== null) return refusal;",
      },
    ],
    foundBy: { tests: [heldAcross] },
  },
  {
    name: "dead-holder-told-as-alive",
    breaks:
      "peek and explain count the slots of a dead session until an entry comes by: free slots are told as taken (R2)",
    edits: [
      {
        file: "limiter/src/policies/governed-questions.ts",
        search: "    return isDue && holds.endsWithSession(block) ?",
        replacement: "    return isDue && holds.endsWithSession(block) && stampUs === 0 ?",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/foresight.test.ts"] },
  },
  {
    name: "hold-of-a-forgotten-rule-not-found",
    breaks: "what is held under a rule that more than 32 others followed is told notHeld to whoever settles it (R1)",
    edits: [
      {
        file: "limiter/src/policies/bring-held.ts",
        search: "  if (block === 0 || !isEarlier(keys, block, rule, key)) return;",
        replacement: "  if (block === 0 || isEarlier(keys, block, rule, key)) return;",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/held-and-forgotten.test.ts"] },
  },
  {
    name: "rule-kept-longest-forgotten-first",
    breaks:
      "of more than 32 rules the one whose counters count longest is forgotten, and its keys begin as used up (K1)",
    edits: [
      {
        file: "limiter/src/policies/keep-bounded.ts",
        search: "  return Math.max(epoch.retainUs, ...epoch.shapes.map((shape) => fadedUs(epoch, shape)));",
        replacement: "  return epoch.retainUs;",
      },
    ],
    foundBy: { tests: [heirs] },
  },
  {
    name: "denied-before-a-goodbye",
    breaks:
      "a slot that a window counts denies from applied state while its session's goodbye waits to be applied (D1)",
    edits: [
      {
        file: "limiter/src/policies/governed-questions.ts",
        search: "if (look.carried !== null || this.#state.holds.endsWithSession(look.block)) return false;",
        replacement: "if (look.carried !== null) return false;",
      },
    ],
    foundBy: { tests: [carriedHolds] },
  },
  {
    name: "heir-freed-for-another-key",
    breaks: "a call that finds no room for its other key brings back what was given back after a policy went (K1)",
    edits: [
      {
        file: "limiter/src/policies/governed-calls.ts",
        search: "      if (block !== 0 && this.#keys.freeExpired(block, this.#stampUs)) freed++;\n",
        replacement:
          "      if (block === 0 || this.#keys.expiryOf(block) > this.#stampUs) continue;\n      this.#keys.remove(block);\n      freed++;\n",
      },
    ],
    foundBy: { tests: [heirs] },
  },
  {
    name: "old-shapes-beyond-the-newest-forgotten",
    breaks:
      "a node that applied all along knows fewer old counters of a name than one that was restored: their states differ",
    edits: [
      {
        file: "limiter/src/policies/own-keeper.ts",
        search: ".filter(({ rule }) => keys.census.hasShape(rule.prefix, rule.prefixLength))",
        replacement:
          ".filter(({ rule }) => keys.census.shapesOf(rule.prefix).some(({ windowUs }) => windowUs === rule.windowUs))",
      },
    ],
    foundBy: { tests: [heirs] },
  },
  {
    name: "shadow-denies-what-is-in-debt",
    breaks: "a shadow policy denies a reservation of a key that is in debt or taken to be full",
    edits: [
      {
        file: "limiter/src/policies/judged.ts",
        search: "const BOUNDLESS = Number.MAX_SAFE_INTEGER;",
        replacement: "const BOUNDLESS = 2_147_483_647;",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/opened-anyway.test.ts"] },
  },
  {
    name: "peek-copies-all-holds",
    breaks: "each question on a key that waits for its rule takes as long as its first call, however much it holds",
    edits: [
      {
        file: "limiter/src/policies/rehearsal.ts",
        search: "    return left >= 0;",
        replacement: "    return left >= -1;",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/foresight.test.ts"] },
  },
  {
    name: "guess-told-for-good",
    breaks: "explain tells a key that was taken to be full as used up for good, beside what it tells as available (K1)",
    edits: [
      {
        file: "limiter/src/policies/governed-questions.ts",
        search: "    return Math.min(used, quota.algorithm",
        replacement: "    return Math.max(0, quota.algorithm",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/foresight.test.ts"] },
  },
  {
    name: "quota-passed-by-a-shadow",
    breaks:
      "reservations that a shadow or an allow-list opens fill the table with keys beyond their namespace's quota (K2)",
    edits: [
      {
        file: "limiter/src/policies/governed-calls.ts",
        search: "    if (!this.#hasPlace(judged)) {",
        replacement: "    if (!isOpenedAnyway && !this.#hasPlace(judged)) {",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/opened-anyway.test.ts"] },
  },
  {
    name: "reset-forgotten-by-a-bucket",
    breaks: "a key that counted as full does so again once what it took since its reset has drained (K1)",
    edits: [
      {
        file: "limiter/src/keys/key-table.ts",
        search: "    const keptUs = this.#keptUs(block);\n    const home = algorithm.charge(",
        replacement: "    const keptUs = 0;\n    const home = algorithm.charge(",
      },
    ],
    foundBy: { tests: ["limiter/src/policies/kill-switch.test.ts"] },
  },
  {
    name: "heir-swept-before-a-slow-counter",
    breaks: "what was given back counts again once others' old counters are forgotten, since a slow one is not (K1)",
    edits: [
      {
        file: "limiter/src/policies/own-keeper.ts",
        search: "Math.max(retainUs, ownUs, goesOnUntilUs(keys, rule, old, stampUs));",
        replacement: "retainUs;",
      },
    ],
    foundBy: { tests: [heirs] },
  },
];
