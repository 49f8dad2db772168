import type { Mutant } from "../mutant.ts";

const tests = ["limiter/src/holds/traces.test.ts", "limiter/src/holds/holds.prop.test.ts"];

/** Bugs in resets, reservations, slots and leases. */
export const holdMutants: readonly Mutant[] = [
  {
    name: "hold-forgotten-by-reset",
    breaks: "a reset also frees what open reservations and leases keep: they and what is taken instead add up (L3)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "    const home = this.lay(key, null, stampUs);",
        replacement: "    const home = key;",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "log-that-outgrows-its-ring",
    breaks:
      "leases of a longer window share no cell of a short one: what comes after the last segment is written over other keys",
    edits: [
      {
        file: "limiter/src/algorithms/dated-amounts.ts",
        search:
          "for (let grid = gridUs; countOf(heap, block) === MAX_SEGMENTS; grid *= 2) coalesce(heap, block, tail, grid);",
        replacement: "coalesce(heap, block, tail, gridUs);",
      },
    ],
    foundBy: { tests: ["limiter/src/holds/many-leases.test.ts"] },
  },
  {
    name: "hold-given-back-at-its-end",
    breaks: "a reservation that nobody settled is given back when it expires, although its work may be done (R1)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "    if (this.#heap.number(hold, CELL_EXPIRES) <= stampUs) this.#linger(hold, stampUs);\n    else\n",
        replacement: "",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "peek-firm-while-held",
    breaks: "a question is told that a denial is firm, though what is held may come back at any moment (D2)",
    edits: [
      {
        file: "limiter/src/machine/machine.ts",
        search: "    if (this.#state.keys.isHeld(block)) this.#peeked.firmForMs[0] = 0;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/machine/firmness.test.ts"] },
  },
  {
    name: "hold-given-back-to-another-window",
    breaks: "a cancel frees what others took since, after the reservation's own charge has left its window (R1)",
    edits: [
      {
        file: "limiter/src/algorithms/aligned-counts.ts",
        search: "      else addHeld(held, windowUs, actual - held.cost);",
        replacement: "      else addNow(actual - held.cost);",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "hold-settled-twice",
    breaks: "a reservation can be committed and cancelled again: each time something is charged or given back (R1)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search: "    this.#free(hold);\n    return home;",
        replacement: "    return home;",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "hold-outlives-its-session",
    breaks: "the slots of a client that died stay taken until their own time is over (R2)",
    edits: [
      {
        file: "limiter/src/holds/holds.ts",
        search:
          "      if (this.kindOf(hold) === HoldKind.slot) this.#end(hold, stampUs);\n      else heap.setWord(hold, WORD_SESSION, ORPHAN);",
        replacement: "      heap.setWord(hold, WORD_SESSION, ORPHAN);",
      },
    ],
    foundBy: { tests, seeds: 300 },
  },
  {
    name: "hold-not-moved-by-takeover",
    breaks: "reservations and slots run out while nobody leads, and nobody could settle them (S5)",
    edits: [
      {
        file: "limiter/src/holds/key-holds.ts",
        search: "        heap.setNumber(hold, CELL_EXPIRES, stampUs + heap.number(hold, CELL_TTL));\n",
        replacement: "",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "lease-dated-at-its-grant",
    breaks: "what is spent at the end of a lease is forgotten one window after its beginning (L1)",
    edits: [
      {
        file: "limiter/src/holds/open-holds.ts",
        search: "    read.datedUs = heap.number(hold, this.#datedCellOf(hold));",
        replacement: "    read.datedUs = heap.number(hold, CELL_DATED);",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "lease-across-a-boundary",
    breaks: "a lease of one fixed window is spent in the next one, which does not count it (L1)",
    edits: [
      {
        file: "limiter/src/algorithms/aligned-counts.ts",
        search:
          "  return Math.min(longestLeaseEndUs(quota, stampUs), windowStart(stampUs, quota.windowUs) + quota.windowUs - 1);",
        replacement: "  return longestLeaseEndUs(quota, stampUs);",
      },
    ],
    foundBy: { tests: ["limiter/src/algorithms/holds.test.ts"] },
  },
  {
    name: "long-lease-in-two-windows",
    breaks: "a lease of longer windows is spent in shorter ones that do not count it (L1)",
    edits: [
      {
        file: "limiter/src/algorithms/aligned-counts.ts",
        search: "  if (lastUs > startUs + windowUs) far.add(lastUs, amount);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/holds/carried-holds.test.ts"] },
  },
  {
    name: "long-lease-lost",
    breaks: "while its key is not asked for, a lease of longer windows is forgotten (L1)",
    edits: [
      {
        file: "limiter/src/algorithms/aligned-counts.ts",
        search: "  if (behindUs > windowUs) counts.current = far.countFrom(startUs);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/algorithms/holds.test.ts"] },
  },
  {
    name: "moved-lease-begins-later",
    breaks:
      "what a takeover moved while its counter stood still comes off other windows than it was counted in (K1, L2)",
    edits: [
      {
        file: "limiter/src/holds/key-holds.ts",
        search: "        heap.setNumber(hold, CELL_FROM, toUs);",
        replacement: "        heap.setNumber(hold, CELL_FROM, stampUs);",
      },
    ],
    foundBy: { tests: ["limiter/src/holds/carried-holds.test.ts"] },
  },
  {
    name: "hold-committed-by-two-calls",
    breaks:
      "a commit that its caller repeats goes under a number of its own: what it exceeds could be charged twice (P2)",
    edits: [
      {
        file: "sdk-core/src/holds/hold.ts",
        search: "      committed ??= perform(Verb.commit, actual);",
        replacement: "      committed = perform(Verb.commit, actual);",
      },
    ],
    foundBy: { seeds: 300 },
  },
  {
    name: "hold-reserved-by-two-calls",
    breaks: "a reserve whose stream was lost goes on under another number: one caller keeps two holds (S2, P2)",
    edits: [
      {
        file: "sdk-core/src/session/session-client.ts",
        search: `      attemptEnded(call, applied, why);
      call.phase = "toResend";
      this.#toResend += 1;`,
        replacement: `      attemptEnded(call, applied, why);
      if (call.verb === Verb.reserve) this.#window.add({ ...call, phase: "toResend" });
      call.phase = call.verb === Verb.reserve ? "settled" : "toResend";
      this.#toResend += 1;`,
      },
    ],
    foundBy: { seeds: 300 },
  },
];
