/** One change of one source file: the text must be there exactly once, or the registry is out of date. */
export interface Edit {
  /** Relative to `packages/`. */
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
}

/** A bug that somebody could write, and that the simulator must find. */
export interface Mutant {
  readonly name: string;
  /** What it breaks, and the rule of SEMANTICS that it violates. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
}

/** Bugs that are planted one at a time into a copy of the sources, never into the sources themselves. */
export const mutants: readonly Mutant[] = [
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
  },
  {
    name: "acknowledged-before-flush",
    breaks: "a decision is told while its entry is only in memory: power loss takes it back (P5)",
    edits: [
      {
        file: "cluster/src/storage/log-writer.ts",
        search: `    await this.active.write(this.offset, [frame]);
    await this.active.flush();
`,
        replacement: `    await this.active.write(this.offset, [frame]);
    void this.active.flush();
`,
      },
    ],
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
  },
  {
    name: "vote-forgotten",
    breaks: "a vote is not written: a node that restarts votes again in the same term, and two leaders may have it",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "storage.append({ hardState: ready.hardState, entries, snapshot: meta }, () => {",
        replacement:
          "storage.append({ hardState: ready.hardState && { ...ready.hardState, vote: 0 }, entries, snapshot: meta }, () => {",
      },
    ],
  },
  {
    name: "recovered-log-not-flushed",
    breaks: "what a restarted node read from the page cache is acknowledged and then lost with the power (N1)",
    edits: [
      {
        file: "cluster/src/storage/open-storage.ts",
        search: "  await log.active.flush();\n  for (const name of",
        replacement: "  for (const name of",
      },
    ],
  },
];
