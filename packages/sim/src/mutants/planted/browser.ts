import type { Mutant } from "../mutant.ts";

/** Bugs in what only a page's guard does: calls that travel together, and denials without pushes. */
export const browserMutants: readonly Mutant[] = [
  {
    name: "browser-denial-outlives-its-bound",
    breaks:
      "a page honours a denial for as long as the cluster called it firm: a key that was reset stays denied for hours (D2)",
    edits: [
      {
        file: "sdk-core/src/without-network/denial-memory.ts",
        search: "    const firmForMs = Math.min(Number(told.firmForMs), maxAgeMs);",
        replacement: "    const firmForMs = Math.max(Number(told.firmForMs), maxAgeMs);",
      },
    ],
    foundBy: { tests: ["sdk-core/src/without-network/denial-memory.test.ts"] },
  },
  {
    name: "browser-batch-answers-the-wrong-call",
    breaks: "calls that travel together get each other's answers: one is told yes for what another was charged",
    edits: [
      {
        file: "sdk-core/src/requests/call-batch.ts",
        search: "        if (failure === null) ends.decided(call, results[at]!);",
        replacement: "        if (failure === null) ends.decided(call, results[sent.length - 1 - at]!);",
      },
    ],
    foundBy: { tests: ["sdk-core/src/requests/call-batch.test.ts"] },
  },
  {
    name: "browser-batch-is-split-under-new-ids",
    breaks: "a call that its batch may have charged is asked for alone under another id, and charged twice (S7)",
    edits: [
      {
        file: "sdk-core/src/requests/request-client.ts",
        search: "        if (isForEach) send([parcel]);",
        replacement: "        if (isForEach) send([createParcel(parcel.call, runtime)]);",
      },
    ],
    foundBy: { tests: ["sdk-core/src/requests/call-batch.test.ts"] },
  },
  {
    name: "browser-countdown-stands-still-in-sleep",
    breaks: "a laptop that slept an hour shows a countdown that was over long ago",
    edits: [
      {
        file: "sdk-web/src/denial-watch.ts",
        search: "    if (sleptMs === 0) return;",
        replacement: "    if (sleptMs !== 0) return;",
      },
    ],
    foundBy: { tests: ["sdk-web/src/denial-watch.test.ts"] },
  },
];
