import type { Mutant } from "../mutant.ts";

const byNodes = { tests: ["cluster/src/node/pushes.test.ts"] };
const byWatch = { tests: ["cluster/src/node/namespace-watch.test.ts"] };
const byFirmness = { tests: ["limiter/src/machine/firmness.test.ts", "limiter/src/machine/firmness.prop.test.ts"] };

/** Bugs in what clients are told of denials that they remember, and of how many they are; and in the timers that both go by. */
export const pushMutants: readonly Mutant[] = [
  {
    name: "push-by-the-leader-alone",
    breaks:
      "clients of followers are not told of resets, and stay denied for as long as they were told that it is firm (D2)",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "      hooks.applied(applied);\n",
        replacement: "      if (this.leads) hooks.applied(applied);\n",
      },
    ],
    foundBy: byNodes,
  },
  {
    name: "push-lost-in-a-snapshot",
    breaks: "what a node skipped by a snapshot is told to nobody: its clients go on denying keys that were reset (D2)",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "    this.#parts.hooks.replaced();\n",
        replacement: "",
      },
    ],
    foundBy: byNodes,
  },
  {
    name: "push-that-the-pause-swallows",
    breaks: "what is reset soon after another reset is never told (D2)",
    edits: [
      {
        file: "cluster/src/node/namespace-watch.ts",
        search: "    this.#clock.setTimer(() => this.#tell(watched), pauseMs);\n",
        replacement: "",
      },
    ],
    foundBy: byWatch,
  },
  {
    name: "push-lost-by-a-timer-before-its-time",
    breaks: "what is reset soon after another reset is not told when the machine's timer fires a fraction early (D2)",
    edits: [
      {
        file: "cluster/src/node/exact-timer.ts",
        search: "    if (leftMs > 0) cancel = arm(leftMs);",
        replacement: "    if (leftMs > 1) cancel = arm(leftMs);",
      },
    ],
    foundBy: { tests: ["cluster/src/node/system-clock.test.ts", ...byWatch.tests] },
  },
  {
    name: "retry-missed-by-a-timer-before-its-time",
    breaks:
      "a call that a node refused is sent again only at the next ping when the machine's timer fires a fraction early",
    edits: [
      {
        file: "sdk-core/src/exact-timer.ts",
        search: "    if (leftMs > 0) cancel = arm(leftMs);",
        replacement: "    if (leftMs > 1) cancel = arm(leftMs);",
      },
    ],
    foundBy: { tests: ["sdk-node/src/node-runtime.test.ts", "sdk-web/src/web-runtime.test.ts"] },
  },
  {
    name: "push-without-policies",
    breaks: "a policy that allows more, and a ban that was lifted, reach no client that remembers a denial (D2)",
    edits: [
      {
        file: "cluster/src/node/namespace-watch.ts",
        search: '    const mayDiffer = operations.some(({ kind }) => kind === "administered");',
        replacement: "    const mayDiffer = operations.length < 0;",
      },
    ],
    foundBy: { tests: [...byWatch.tests, ...byNodes.tests] },
  },
  {
    name: "push-to-every-namespace",
    breaks: "one tenant is told which keys another one resets",
    edits: [
      {
        file: "cluster/src/node/namespace-watch.ts",
        search: "      const watched = this.#watched.get(reset.namespace);\n",
        replacement: "      const [watched] = this.#watched.values();\n",
      },
    ],
    foundBy: byWatch,
  },
  {
    name: "push-older-than-the-denial",
    breaks:
      "a denial from applied state claims to know an entry that is yet to come: the reset in that one does not undo it (D2)",
    edits: [
      {
        file: "cluster/src/node/call-desk.ts",
        search: "asOfIndex: limiter.appliedIndex + 1,",
        replacement: "asOfIndex: limiter.appliedIndex + 2,",
      },
    ],
    foundBy: byNodes,
  },
  {
    name: "firm-while-something-is-held",
    breaks: "a client remembers a denial of what a lease or reservation may give back at once (D2)",
    edits: [
      {
        file: "limiter/src/machine/call-executor.ts",
        search: "    if (!verdict.allowed && keys.isHeld(block)) this.#results.firmForMs[at] = 0;\n",
        replacement: "",
      },
    ],
    foundBy: byFirmness,
  },
  {
    name: "firm-at-the-slower-of-two-rates",
    breaks: "a client remembers a denial of a bucket that another program's next charge lets drain faster (D2)",
    edits: [
      {
        file: "limiter/src/machine/call-executor.ts",
        search: "  return isRateOpen ? 0 : firmMsOf(verdict.retryAfterUs);",
        replacement: "  return isRateOpen && windowUs === 0 ? 0 : firmMsOf(verdict.retryAfterUs);",
      },
    ],
    foundBy: byFirmness,
  },
  {
    name: "never-firm-under-a-policy",
    breaks: "denials of a bucket whose rate the cluster's policy sets are not remembered either: each costs a message",
    edits: [
      {
        file: "limiter/src/policies/governed-rule.ts",
        search: "    if (policy !== null) this.quota.isRateOpen = false;\n",
        replacement: "",
      },
    ],
    foundBy: byFirmness,
  },
  {
    name: "clients-counted-for-ever",
    breaks: "sessions that ended still share the limits: the shares of an outage shrink until they are 1 (U1)",
    edits: [
      {
        file: "limiter/src/exactly-once/sessions.ts",
        search: "    this.#count(block, -1);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["limiter/src/exactly-once/sessions.test.ts"] },
  },
];
