import type { Mutant } from "../mutant.ts";

const path = "audit/src/linearizability";
const byHistories = {
  tests: [`${path}/check-linearizability.test.ts`, `${path}/check-linearizability.prop.test.ts`],
};

/** Bugs in what judges recorded histories: it leaves out an order that would have fitted, and calls a right history wrong. */
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
];
