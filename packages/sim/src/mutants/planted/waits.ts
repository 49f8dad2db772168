import type { Mutant } from "../mutant.ts";

const file = "sdk-core/src/waiting-lines.ts";
const tests = ["sdk-core/src/waiting-lines.test.ts"];

/** Bugs in the lines of those who wait for their turn. */
export const waitMutants: readonly Mutant[] = [
  {
    name: "wait-asks-for-the-last-comer",
    breaks: "who came last is served first, and who came first may wait for ever",
    edits: [
      {
        file,
        search: "    for (let [first] = line.waiters; first !== undefined; [first] = line.waiters) {",
        replacement:
          "    for (let first = [...line.waiters].at(-1); first !== undefined; first = [...line.waiters].at(-1)) {",
      },
    ],
    foundBy: { tests, seeds: 40 },
  },
  {
    name: "wait-asks-when-the-time-is-up",
    breaks:
      "who left a line is asked for with a millisecond left: it overtakes, or is counted when nobody waits for it",
    edits: [
      {
        file,
        search: "      options.lapse(waiter.item, { ...waiter.terms, timeoutMs }).then(waiter.resolve, waiter.reject);",
        replacement: "      ask(waiter).then(waiter.resolve, waiter.reject);",
      },
    ],
    foundBy: { tests, seeds: 40 },
  },
  {
    name: "wait-ends-with-the-first-error",
    breaks: "one question in vain, and those behind it in the line are never served",
    edits: [
      {
        file,
        search: "        if (leave(line, waiter)) waiter.reject(error);\n      });\n    }\n    forget();",
        replacement:
          "        if (leave(line, waiter)) waiter.reject(error);\n        line.waiters.clear();\n      });\n    }\n    forget();",
      },
    ],
    foundBy: { seeds: 60 },
  },
  {
    name: "wait-sleeps-on-for-who-gave-up",
    breaks: "those behind a caller who gave up wait out its pause, though what they ask for may be had before",
    edits: [
      {
        file,
        search: "    if (first === waiter) line.wake?.();",
        replacement: "    if (first !== waiter) line.wake?.();",
      },
    ],
    foundBy: { tests },
  },
];
