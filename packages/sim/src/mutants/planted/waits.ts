import type { Mutant } from "../mutant.ts";

const file = "sdk-core/src/waiting-lines.ts";
const ownTurns = "sdk-core/src/own-turns.ts";
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
          "      options.lapse(item, { ...terms, timeoutMs: terms.timeoutMs }).then(waiter.resolve, waiter.reject);",
        replacement: "      ask(waiter).then(waiter.resolve, waiter.reject);",
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
  {
    name: "wait-gives-the-first-ones-own-answer-to-others",
    breaks: "what `onUnavailable` of the first of a line decides is told to those behind it, against their own",
    edits: [
      {
        file,
        search: " || (line.answer.degraded && waiter !== first)",
        replacement: "",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "wait-for-who-has-gone-with-its-request",
    breaks: "at the edge one request that is over holds up everybody behind it",
    edits: [
      {
        file: ownTurns,
        search: "      if (other.movesByMs >= nowMs) place += 1;",
        replacement: "      if (other.movesByMs >= 0) place += 1;",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "wait-at-the-edge-out-of-turn",
    breaks: "at the edge all of a line ask at once, and who came last may be served first",
    edits: [
      {
        file: ownTurns,
        search: "      if (place === 0 && dueMs <= endsMs) {",
        replacement: "      if (dueMs <= endsMs) {",
      },
    ],
    foundBy: { tests },
  },
  {
    name: "wait-counts-who-has-gone",
    breaks: "at the edge requests that are over fill the lines, until nobody may wait any more",
    edits: [
      {
        file,
        search: "        if (perRequest && waiting >= maxWaiting) eachLine(ownTurns.dropLost);\n",
        replacement: "",
      },
    ],
    foundBy: { tests },
  },
];
