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
    breaks: "whose time is up while the cluster is silent is asked for after all: it overtakes whoever came before it",
    edits: [
      {
        file,
        search:
          "        options.lapse(item, { ...terms, timeoutMs: terms.timeoutMs }).then(waiter.resolve, waiter.reject);",
        replacement: "        ask(waiter).then(waiter.resolve, waiter.reject);",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "wait-asks-with-what-is-left-of-it",
    breaks:
      "the last question has a millisecond to be answered: a cluster that answers all is taken for one that does not",
    edits: [
      {
        file,
        search:
          "  const ask = ({ item, terms }: Waiter): Promise<Decision> => options.ask(item, { ...terms, timeoutMs: askTimeoutMs });",
        replacement:
          "  const ask = ({ item, terms, endsMs }: Waiter): Promise<Decision> => options.ask(item, { ...terms, timeoutMs: Math.min(askTimeoutMs, Math.max(1, Math.ceil(endsMs - runtime.monotonicMs()))) });",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "wait-ends-with-the-first-error",
    breaks: "one question in vain, and those behind it in the line are never served",
    edits: [
      {
        file,
        search: "        if (leave(line, waiter)) waiter.reject(error);\n        line.answer = null;",
        replacement: "        if (leave(line, waiter)) waiter.reject(error);\n        line.waiters.clear();",
      },
    ],
    foundBy: { tests },
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
