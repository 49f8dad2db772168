import type { Mutant } from "../mutant.ts";

/** Bugs in how a call is decided: limits, sessions, retries, time. */
export const decisionMutants: readonly Mutant[] = [
  {
    name: "limit-checked-outside-the-log",
    breaks:
      "the leader judges by its applied state and the log charges whatever comes: concurrent calls pass together (P1)",
    edits: [
      {
        file: "limiter/src/machine/call-executor.ts",
        search: `    keys.judge(rule, block, cost, 0, this.#stampUs, verdict);
    if (verdict.allowed) {`,
        replacement: `    keys.judge(rule, block, cost, 0, this.#stampUs, verdict);
    verdict.available = Math.max(cost, verdict.available);
    verdict.allowed = true;
    if (verdict.allowed) {`,
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "retry-charged-twice",
    breaks: "a call that comes again is executed again instead of being answered from the session's memory (P2, S2)",
    edits: [
      {
        file: "limiter/src/machine/calls-operation.ts",
        search: "    const stored = number <= acked ? 0 : sessions.calls.find(session, number);",
        replacement: "    const stored = 0;",
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "session-missing-from-the-snapshot",
    breaks:
      "a node restored from a snapshot has forgotten sessions and results: a retry is refused or charges twice (S8)",
    edits: [
      {
        file: "limiter/src/machine/state.ts",
        search: "    this.sessions.save(meta);\n",
        replacement: "",
      },
      {
        file: "limiter/src/machine/state.ts",
        search: "    this.sessions.load(meta);\n",
        replacement: "",
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "session-created-by-a-retry",
    breaks:
      "calls of a session that is gone create it anew and execute, although they may have been charged before (S4)",
    edits: [
      {
        file: "limiter/src/machine/calls-operation.ts",
        search: `  const session = sessions.find(layout.sessionIndex, layout.sessionPosition, layout.bytes, layout.nonceStart, stampUs);
  if (session === 0) {`,
        replacement: `  const seek = () => sessions.find(layout.sessionIndex, layout.sessionPosition, layout.bytes, layout.nonceStart, stampUs);
  let session = seek();
  if (session === 0) {
    const { nonceStart } = layout;
    const registration = { nonceStart, helloStampUs: stampUs, namespaceStart: nonceStart, namespaceLength: 0 };
    const { sessionIndex, sessionPosition } = layout;
    sessions.register(layout.bytes, registration, sessionIndex, sessionPosition, stampUs, bounds, state.hash.low);
    session = seek();
  }
  if (session === 0) {`,
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "takeover-keeps-nobody-alive",
    breaks: "sessions that lived when the last leader fell are dead when the next one begins after an outage (S5)",
    edits: [
      {
        file: "limiter/src/machine/machine.ts",
        search: "      state.sessions.takeover(state.stampUs, stampUs, state.bounds.sessionTtlUs);\n",
        replacement: "",
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "fast-path-taken-on-a-retry",
    breaks: "a retried call may be denied because of its own charge (D1)",
    edits: [
      {
        file: "cluster/src/node/call-desk.ts",
        search: "if (options.firstAttempt && batch.sizes === null && this.#knowsNow()) {",
        replacement: "if (batch.sizes === null && this.#knowsNow()) {",
      },
    ],
    foundBy: { tests: ["cluster/src/node/cluster.test.ts"] },
  },
  {
    name: "fast-path-blind-to-unapplied-resets",
    breaks: "a key that an entry on its way empties is still denied from applied state (D1)",
    edits: [{ file: "cluster/src/node/fast-path.ts", search: "touched.has(slot) || ", replacement: "" }],
    foundBy: { tests: ["cluster/src/node/cluster.test.ts"] },
  },
  {
    name: "fast-path-judges-past-a-reset-of-its-batch",
    breaks: "a take that follows a reset of its key in the same frame is denied as if there were none (D1)",
    edits: [{ file: "cluster/src/node/fast-path.ts", search: "if (!isTake) ahead?.add(slot);", replacement: "" }],
    foundBy: { tests: ["cluster/src/node/cluster.test.ts"] },
  },
  {
    name: "request-id-without-the-verb",
    breaks: "a request id that comes back with another verb gets the first call's answer instead of an error (S7)",
    edits: [
      {
        file: "limiter/src/machine/call-executor.ts",
        search: "const length = verb === Verb.take ? 4 : 24;",
        replacement: "const length = 4;",
      },
    ],
    foundBy: { tests: ["limiter/src/machine/verbs.test.ts"] },
  },
  {
    name: "retried-reservation-without-its-handle",
    breaks: "the answer to a reservation's retry names no hold, so nobody can settle it (S2)",
    edits: [
      {
        file: "limiter/src/exactly-once/stored-calls.ts",
        search: "    if (allowed) into.handles[at] = retryOrHandle;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/machine/verbs.test.ts"] },
  },
  {
    name: "wall-clock-stamps",
    breaks: "entries are stamped with the leader's wall clock, which steps and differs between nodes (T1)",
    edits: [
      {
        file: "cluster/src/node/stamp-clock.ts",
        search: `  nowUs(): number {
`,
        replacement: `  nowUs(): number {
    if (this.#leads) return this.#wallUs();
`,
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "frozen-time",
    breaks: "the leader's stamps stand still: windows never end (T1, T3)",
    edits: [
      {
        file: "cluster/src/node/stamp-clock.ts",
        search: "const value = this.#live ? this.#extrapolate(nowMs) : this.#anchorUs;",
        replacement: "const value = this.#live && !this.#leads ? this.#extrapolate(nowMs) : this.#anchorUs;",
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "older-line-of-time-comes-back",
    breaks:
      "whoever wins with followers of an older leader alone goes on from its line, ahead of what its own log tells (T2)",
    edits: [
      {
        file: "cluster/src/node/stamp-clock.ts",
        search: "latest < loggedTerm",
        replacement: "latest > term",
      },
    ],
    foundBy: { tests: ["cluster/src/node/stamp-clock.test.ts"] },
  },
  {
    name: "runs-read-in-a-row",
    breaks: "a reply that settles calls here and there settles their neighbours: a denied caller is let in (P1)",
    edits: [
      {
        file: "sdk-core/src/session/session-client.ts",
        search: "reply.offsets === null ? at : reply.offsets[at]!",
        replacement: "at",
      },
    ],
    foundBy: { tests: ["sdk-core/src/verbs.test.ts"] },
  },
  {
    name: "runs-with-gaps-of-one",
    breaks:
      "a node tells of each gap that it is one call long: what it denied and what it let in are taken for each other",
    edits: [
      {
        file: "cluster/src/server/frame-sink.ts",
        search: "this.#runs.push(fromCall - this.#toCall, toCall - fromCall);",
        replacement: "this.#runs.push(1, toCall - fromCall);",
      },
    ],
    foundBy: { tests: ["cluster/src/server/session-cluster.test.ts"] },
  },
];
