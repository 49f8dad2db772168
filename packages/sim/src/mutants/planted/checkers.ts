import type { Mutant } from "../mutant.ts";

const path = "audit/src/linearizability";
const byHistories = {
  tests: [`${path}/check-linearizability.test.ts`, `${path}/check-linearizability.prop.test.ts`],
};

/**
 * Bugs in what judges: recorded histories of which an order that would have fitted is left out, so that a right one is called
 * wrong, and cells that are not there.
 */
export const checkerMutants: readonly Mutant[] = [
  {
    name: "checker-gives-up-what-has-more-left",
    breaks: "an order is given up since one failed that had spent more of what is of unknown outcome, not less",
    edits: [
      {
        file: `${path}/state-cache.ts`,
        search: "if ((there & ~here) !== 0 || (here & ~there & ~optional[word]!) !== 0) return false;",
        replacement: "if ((here & ~there) !== 0 || (there & ~here & ~optional[word]!) !== 0) return false;",
      },
    ],
    foundBy: byHistories,
  },
  {
    name: "checker-skips-what-made-a-difference",
    breaks:
      "what fits without the operation of unknown outcome before it is not tried after it, whatever state that gives",
    edits: [
      {
        file: `${path}/search-path.ts`,
        search: "return without !== null && model.equal(without, after);",
        replacement: "return without !== null;",
      },
    ],
    foundBy: byHistories,
  },
  {
    name: "checker-foresees-without-swaps",
    breaks: "a value that only a swap can bring is taken for one that nobody brings",
    edits: [
      {
        file: `${path}/cas-register.ts`,
        search: '        else if (input.kind === "compareAndSet") values.add(input.to);\n',
        replacement: "",
      },
    ],
    foundBy: byHistories,
  },
  {
    name: "audit-passes-what-it-left-out",
    breaks: "on a busy machine the exactness audit exits 0 although no cell without a fault was there to be judged",
    edits: [
      {
        file: "exactness/src/verdict.ts",
        search: "const judged = new Set(cells.filter(isOf).map(({ algorithm }) => algorithm));",
        replacement: "const judged = new Set(cells.map(({ algorithm }) => algorithm));",
      },
    ],
    foundBy: { tests: ["exactness/src/verdict.test.ts"] },
  },
];
