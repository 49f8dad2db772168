import type { Mutant } from "../mutant.ts";

const requests = "sdk-core/src/tokens/request-tokens.test.ts";
const streams = "sdk-core/src/tokens/stream-tokens.test.ts";

/** Bugs in how a guard keeps its token: when it asks for the next one, and what it makes of a refusal. */
export const tokenKeepingMutants: readonly Mutant[] = [
  {
    name: "token-not-refreshed-ahead",
    breaks:
      "the next token is asked for when the last one is over: calls wait for it, and an issuer's short outage is theirs",
    edits: [
      {
        file: "sdk-core/src/tokens/token-keeper.ts",
        search: "const REFRESH_SHARE = 0.8;",
        replacement: "const REFRESH_SHARE = 1;",
      },
    ],
    foundBy: { tests: [requests, streams] },
  },
  {
    name: "token-refused-and-sent-again",
    breaks: "a call whose token was not signed by anybody known is sent again and again until its deadline",
    edits: [
      {
        file: "sdk-core/src/calls/wire-errors.ts",
        search: '      return [refusals.get(reason)?.code ?? "internal", false];',
        replacement: '      return [refusals.get(reason)?.code ?? "internal", refusals.has(reason)];',
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-kept-while-a-device-sleeps",
    breaks: "a token's life is counted by a clock that stands still in sleep: what is over is sent, and refused",
    edits: [
      {
        file: "sdk-core/src/tokens/token-keeper.ts",
        search: "    return Math.max(this.#runtime.monotonicMs() - askedMs, this.#runtime.wallMs() - askedWallMs);",
        replacement:
          "    return Math.min(this.#runtime.monotonicMs() - askedMs, this.#runtime.wallMs() - askedWallMs);",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-for-one-call-shared",
    breaks: "calls of one moment share a token that is for one of them, and the others are refused as replays",
    edits: [
      {
        file: "sdk-core/src/tokens/token-keeper.ts",
        search: "return fetched.shared ? this.#used(fetched.token) : (await this.#ask()).token;",
        replacement: "return this.#used(fetched.token);",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-of-a-request-that-is-over-waited-for",
    breaks: "at the edge a question for a token that died with its request is waited for: every later call is degraded",
    edits: [
      {
        file: "sdk-core/src/tokens/token-keeper.ts",
        search: "return flight !== null && this.#runtime.monotonicMs() - flight.askedMs < ms ? flight : null;",
        replacement: "return flight !== null && ms > 0 ? flight : null;",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-pause-outlives-the-outage",
    breaks: "a page that has its network back waits for seconds before it asks for a token",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "      transport.networkIsBack?.();\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-taken-back-by-a-late-answer",
    breaks: "the answer to an earlier question takes the place of a newer token, and is soon over",
    edits: [
      {
        file: "sdk-core/src/tokens/token-keeper.ts",
        search: "this.#kept !== null && this.#kept.askedMs > askedMs)",
        replacement: "this.#kept !== null && this.#kept.askedMs > Number.MAX_VALUE)",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-overused-in-a-loop",
    breaks: "a node that asks to be left alone for a while is asked again after a few milliseconds",
    edits: [
      {
        file: "sdk-core/src/requests/request-client.ts",
        search: "        atLeastMs: (error) => pauseMs(failureOf(error)),\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [requests] },
  },
  {
    name: "token-that-ended-a-stream-sent-again",
    breaks: "a stream that a node refuses since its token is over is never opened with another token",
    edits: [
      {
        file: "sdk-core/src/tokens/authorized-transport.ts",
        search: "    tokens.refused(token);\n    if (early === null) {",
        replacement: "    if (early === null) {",
      },
    ],
    foundBy: { tests: [streams] },
  },
];
