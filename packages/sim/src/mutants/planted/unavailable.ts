import type { Mutant } from "../mutant.ts";

const room = "sdk-core/src/unavailable";
const outage = [`${room}/outage.test.ts`];
const guard = ["sdk-core/src/create-guard-core.test.ts"];
const fleet = [`${room}/fleet.test.ts`];
const breaker = [`${room}/breaker.test.ts`, ...outage];
const reconciler = [`${room}/reconciler.test.ts`];

/** Bugs in what an SDK does while the cluster does not decide, and in how it returns. */
export const unavailableMutants: readonly Mutant[] = [
  {
    name: "breaker-opens-on-full-keys",
    breaks: "a cluster that decides is spared because its table of keys is full (U1)",
    edits: [
      {
        file: "sdk-core/src/calls/settle.ts",
        search: '      if (code === "unavailable" || code === "timed_out") letDown(call, () => failure.message);',
        replacement: "      if (isUnavailable(code)) letDown(call, () => failure.message);",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "breaker-opens-on-overload",
    breaks: "a node that has too much to do is taken for one that is gone (U1)",
    edits: [
      {
        file: `${room}/overload.ts`,
        search: "since: (atMs) => toldMs >= atMs - ECHO_MS,",
        replacement: "since: () => false,",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "breaker-opens-on-impatience",
    breaks: "callers with a millisecond to spare take the cluster away from everybody",
    edits: [
      {
        file: "sdk-core/src/calls/settle.ts",
        search: "    if (busy || call.timeoutMs < fairTimeoutMs) breaker.ended(call);",
        replacement: "    if (busy) breaker.ended(call);",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "breaker-opens-among-answers",
    breaks: "one lost frame with many calls is an outage, though others are answered all the time",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: "      if (nowMs - answeredMs < silenceMs) return;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "breaker-never-closes",
    breaks: "after one outage decisions are never the cluster's again",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: '      if (state !== "open") return;\n      probe = null;',
        replacement: "      if (failures === 0) return;\n      probe = null;",
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "breaker-sends-everyone-to-look",
    breaks: "while the cluster is dead every caller waits for its deadline",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: "          if (isLooking() || runtime",
        replacement: "          if (runtime",
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "breaker-waits-for-a-call-that-is-over",
    breaks: "a probe that its caller gave up is waited for ever after: nobody looks for the cluster any more",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: "    if (probe === call) probe = null;\n  };",
        replacement: "    if (probe === null) probe = call;\n  };",
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "breaker-waits-for-a-request-that-is-over",
    breaks: "at the edge a request ends before its probe, and every later call is refused though the cluster is well",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: "probe !== null && runtime.monotonicMs() < probeUntilMs;",
        replacement: "probe !== null && probeUntilMs > 0;",
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "terms-wait-for-a-turn-that-is-over",
    breaks: "at the edge a guard whose turn to ask died with a request never hears of a policy again",
    edits: [
      {
        file: `${room}/cluster-terms.ts`,
        search: "      if (this.#options.runtime.monotonicMs() < this.#turnMs) return;\n",
        replacement: "      if (this.#turnMs > 0) return;\n",
      },
    ],
    foundBy: { tests: [`${room}/cluster-terms.test.ts`] },
  },
  {
    name: "deadlines-move-with-the-clusters-time",
    breaks:
      "a test that moves the cluster's time ends calls that have a minute left, and keeps others beyond their deadline",
    edits: [
      {
        file: "sdk-core/src/calls/pending-calls.ts",
        search: "    timerAtMs = Number.POSITIVE_INFINITY;\n    const nowMs = realMs(runtime);",
        replacement: "    timerAtMs = Number.POSITIVE_INFINITY;\n    const nowMs = runtime.monotonicMs();",
      },
    ],
    foundBy: { tests: ["sdk-core/src/real-time.test.ts"] },
  },
  {
    name: "wait-ends-with-the-clusters-time",
    breaks: "a test that moves the cluster's time denies whoever waits for a turn that it would have had in its time",
    edits: [
      {
        file: "sdk-core/src/waiting-lines.ts",
        search: "deadlineMs + (runtime.monotonicMs() - realMs(runtime));",
        replacement: "deadlineMs;",
      },
    ],
    foundBy: { tests: ["sdk-core/src/real-time.test.ts"] },
  },
  {
    name: "calls-of-requests-that-are-over-take-up-room",
    breaks: "at the edge a few handlers that did not wait for their calls fill the guard for ever",
    edits: [
      {
        file: "sdk-core/src/calls/pending-calls.ts",
        search: "      if (count > max) dropLost();\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["sdk-core/src/calls/client-parts.test.ts"] },
  },
  {
    name: "breaker-returns-everybody-at-once",
    breaks: "a new leader is met by all calls of all clients in its first moment",
    edits: [
      {
        file: `${room}/breaker.ts`,
        search: 'return runtime.random() < share ? "pass" : "refuse";',
        replacement: 'return share > 0 ? "pass" : "refuse";',
      },
    ],
    foundBy: { tests: breaker },
  },
  {
    name: "breaker-holds-up-settlements",
    breaks: "a commit is refused while the breaker is open, and what was reserved is spent in vain",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search:
          'const passage = call.verb === Verb.take || call.verb === Verb.reserve ? this.#breaker.admit(call) : "pass";',
        replacement: "const passage = this.#breaker.admit(call);",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "recovery-told-while-calls-return",
    breaks: "an outage ends and begins again with every call that is not yet let through",
    edits: [
      {
        file: "sdk-core/src/calls/settle.ts",
        search: '    if (degradedSinceMs === null || breaker.state !== "closed") return;',
        replacement: "    if (degradedSinceMs === null) return;",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "connecting-hurried-by-every-call",
    breaks: "a thousand calls a second make a storm of connections to a dead cluster",
    edits: [
      {
        file: "sdk-core/src/cluster/link.ts",
        search: "        this.#wake = capMs > BACKOFF_CAP_MS ? wake : () => {};",
        replacement: "        this.#wake = wake;",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "calls-sent-into-silence",
    breaks: "a node that was paused for a while counts a second's worth of calls whose callers are long gone",
    edits: [
      {
        file: "sdk-core/src/session/session-client.ts",
        search: "    while (!link.silent && ",
        replacement: "    while (",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "share-fresh-after-each-outage",
    breaks: "a connection that comes and goes earns the local share anew (U1)",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "      onChange: (state) => observer.breakerChanged?.(state),",
        replacement:
          "      onChange: (state) => {\n        observer.breakerChanged?.(state);\n        this.#local = null;\n      },",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "share-fresh-with-another-fleet",
    breaks: "a client that joins gives every bucket of the others a fresh share (U1)",
    edits: [
      {
        file: `${room}/local-limiter.ts`,
        search: "rule: ofOneIdentity(share, rule)",
        replacement: "rule: ofOneIdentity(share, { ...rule, burst: share.burst })",
      },
    ],
    foundBy: { tests: fleet },
  },
  {
    name: "share-of-a-fleet-of-one",
    breaks: "each client admits the whole limit by itself, however many there are (U1)",
    edits: [
      {
        file: `${room}/fleet.ts`,
        search: "    if (told > 0) clients = told;",
        replacement: "    if (told < 0) clients = told;",
      },
    ],
    foundBy: { tests: [...fleet, ...outage] },
  },
  {
    name: "share-taken-for-the-limit",
    breaks:
      "what only this process's share has no room for is never admitted: who waits gives up, and a browser is told so (K3)",
    edits: [
      {
        file: `${room}/without-cluster.ts`,
        search: "retryAfterMs < 0 && fitsTheLimit(items, at)",
        replacement: "retryAfterMs < -1 && fitsTheLimit(items, at)",
      },
    ],
    foundBy: { tests: fleet },
  },
  {
    name: "denial-forgotten-when-failing-open",
    breaks: "an outage lets pass what the cluster has denied for longer than until now",
    edits: [
      {
        file: `${room}/without-cluster.ts`,
        search: "      const firm = items.map(firmDenial);",
        replacement: "      const firm = items.map((item) => (items.length === 0 ? firmDenial(item) : null));",
      },
    ],
    foundBy: { tests: outage },
  },
  {
    name: "report-under-another-number",
    breaks: "a call that was committed after all is charged again by its report (U3)",
    edits: [
      {
        file: `${room}/reconciler.ts`,
        search: '      if (phase !== "queued") {',
        replacement: '      if (phase === "settled") {',
      },
    ],
    foundBy: { tests: reconciler, seeds: 60 },
  },
  {
    name: "report-in-the-next-session",
    breaks: "what was sent before SessionExpired is sent again in a session that knows nothing of it (U3, S4)",
    edits: [
      {
        file: "sdk-core/src/session/session-client.ts",
        search: '    if (call.applied === "no" && (!call.abandoned || call.reports)) {',
        replacement: '    if (call.reports || (call.applied === "no" && !call.abandoned)) {',
      },
    ],
    foundBy: { tests: reconciler },
  },
  {
    name: "report-of-what-counts-no-more",
    breaks: "what was admitted under a policy an hour ago is charged now, though its window was a second",
    edits: [
      {
        file: `${room}/reconciler.ts`,
        search: "    if (nowMs >= untilMs) return false;",
        replacement: '    if (nowMs >= untilMs && call.rule.policy === "") return false;',
      },
    ],
    foundBy: { tests: reconciler },
  },
  {
    name: "reports-wait-for-a-caller",
    breaks: "a guard that nobody asks anything never looks for the cluster, and never tells it what it admitted",
    edits: [
      {
        file: `${room}/reconciler.ts`,
        search: '      else if (breaker.state === "open") sendSome(1);',
        replacement: '      else if (breaker.state === "open") sendSome(0);',
      },
    ],
    foundBy: { tests: reconciler },
  },
  {
    name: "reports-forgotten-at-the-end",
    breaks: "a guard that is closed right after an outage forgets what it admitted, and tells nobody",
    edits: [
      {
        file: `${room}/reconciler.ts`,
        search: "      if (isDone() || !isReachable()) {\n        giveUp();",
        replacement: "      if (isDone() || waiting.length > 0) {\n        waiting = [];",
      },
    ],
    foundBy: { tests: reconciler },
  },
  {
    name: "reports-without-a-bound",
    breaks: "an outage of hours fills the memory of a process with what it will report",
    edits: [
      {
        file: `${room}/reconciler.ts`,
        search: "waiting.length < maxCalls)",
        replacement: "maxCalls >= 0)",
      },
    ],
    foundBy: { tests: reconciler },
  },
  {
    name: "group-fails-open-behind-its-first-policy",
    breaks: "a login that is to be denied in an outage is let through, as the limit beside it says that it may",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "strictest(group ?? [item],",
        replacement: "strictest([item],",
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "error-behind-an-uncounted-admission",
    breaks: "a policy that throws in an outage is let through, as the limit beside it counts here",
    edits: [
      {
        file: "sdk-core/src/calls/strictest.ts",
        search: '["allow", "local", "throw", "deny"]',
        replacement: '["throw", "allow", "local", "deny"]',
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "outage-of-one-key",
    breaks: "a full table of keys is told as an outage, and as its end, with every other call",
    edits: [
      {
        file: "sdk-core/src/calls/settle.ts",
        search: "    if (degradedSinceMs === null && !ofKey) {",
        replacement: "    if (degradedSinceMs === null) {",
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "calls-sent-in-a-session-that-may-be-over",
    breaks:
      "a process that was stopped for a minute sends what it is asked next into a dead stream, and decides it alone",
    edits: [
      {
        file: "sdk-core/src/session/resumptions.ts",
        search: "    if (session.life.isSafe) return true;",
        replacement: "    if (session.life.safeUntilMs > 0) return true;",
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "session-trusted-through-suspension",
    breaks:
      "a machine that slept has a monotonic clock that stood still, and sends in a session that was forgotten long ago",
    edits: [
      {
        file: "sdk-core/src/session/session-life.ts",
        search: "    return this.#runtime.wallMs() - this.#heardWallMs < this.#ttlMs * SAFE_SHARE;",
        replacement: "    return this.#runtime.wallMs() > this.#heardWallMs - this.#ttlMs * SAFE_SHARE;",
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "refused-renewal-ends-the-stream",
    breaks: "a renewal of a session that is over takes down what was just sent beside it, counted or not",
    edits: [
      {
        file: "sdk-core/src/session/session-client.ts",
        search: "    if (!this.#expired) link.drop(",
        replacement: "    link.drop(",
      },
    ],
    foundBy: { tests: guard },
  },
  {
    name: "second-close-waits-for-nothing",
    breaks: "a program that closes twice exits while leases are still being given back",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "    this.#ended ??= this.#end();",
        replacement: "    if (this.#closed) return Promise.resolve();\n    this.#ended ??= this.#end();",
      },
    ],
    foundBy: { tests: guard },
  },
];
