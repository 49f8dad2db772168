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
    name: "request-sent-after-its-id-is-forgotten",
    breaks:
      "a call that was counted, and whose answer was lost, is sent once more when its id is forgotten, and charged twice (S7)",
    edits: [
      {
        file: "sdk-core/src/requests/call-batch.ts",
        search: "      return REPEATABLE_MS - Math.max(...ages);",
        replacement: "      return ages.length === 0 ? 0 : Number.POSITIVE_INFINITY;",
      },
    ],
    foundBy: { tests: ["sdk-core/src/requests/request-client.test.ts"] },
  },
  {
    name: "request-id-does-not-age-in-sleep",
    breaks: "a device sleeps over the minute for which ids are remembered, and its retry is charged once more (S7)",
    edits: [
      {
        file: "sdk-core/src/requests/call-batch.ts",
        search: "Math.max(nowMs - call.sentMs, wallMs - call.sentWallMs),",
        replacement: "Math.max(nowMs - call.sentMs, (wallMs - call.sentWallMs) * 0),",
      },
    ],
    foundBy: { tests: ["sdk-core/src/requests/request-client.test.ts"] },
  },
  {
    name: "calls-that-fail-together-return-to-the-silent-endpoint",
    breaks:
      "of two endpoints one is silent, and every second of the calls that left it together asks it again until the deadline",
    edits: [
      {
        file: "sdk-core/src/requests/request-endpoints.ts",
        search: "    if (endpoint === current()) turn = endpoints.indexOf(endpoint) + 1;",
        replacement: '    if (endpoint !== "") turn += 1;',
      },
    ],
    foundBy: { tests: ["sdk-core/src/requests/request-client.test.ts"] },
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
