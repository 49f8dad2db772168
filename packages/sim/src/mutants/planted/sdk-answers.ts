import type { Mutant } from "../mutant.ts";

const room = "sdk-core/src/without-network";
const denials = [`${room}/denial-cache.test.ts`];
const observed = ["sdk-core/src/guard-observer.test.ts"];
const leases = [`${room}/leases.test.ts`, `${room}/lease-returns.test.ts`];

/** Bugs in what an SDK's process answers by itself: remembered denials and leases. */
export const sdkAnswerMutants: readonly Mutant[] = [
  {
    name: "sdk-lease-counted-from-its-answer",
    breaks: "a grant whose reply was late is spent after its end, when others may take the same room (L2)",
    edits: [
      {
        file: `${room}/leases.ts`,
        search: "    untilMs: times.sentMs + openForMs * SAFE_SHARE,\n    untilWallMs: times.sentWallMs",
        replacement:
          "    untilMs: times.heardMs + openForMs * SAFE_SHARE,\n    untilWallMs: times.heardMs - times.sentMs + times.sentWallMs",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-spent-to-its-last-millisecond",
    breaks: "stamps may run one percent fast: what is spent in a lease's last moments is spent after its end (L2)",
    edits: [
      {
        file: `${room}/leases.ts`,
        search:
          "    untilMs: times.sentMs + openForMs * SAFE_SHARE,\n    untilWallMs: times.sentWallMs + openForMs * SAFE_SHARE,",
        replacement: "    untilMs: times.sentMs + openForMs,\n    untilWallMs: times.sentWallMs + openForMs,",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-kept-through-suspension",
    breaks: "a machine that slept has a monotonic clock that stood still, and spends what was over long ago (L2)",
    edits: [
      {
        file: `${room}/leases.ts`,
        search: "  return nowMs >= lease.untilMs || wallMs >= lease.untilWallMs;",
        replacement: "  return nowMs >= lease.untilMs || wallMs === 0;",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-kept-across-a-windows-edge",
    breaks: "a lease that the cluster cut short at the end of a fixed window is spent in the next one (L1)",
    edits: [
      {
        file: `${room}/lease-keeper.ts`,
        search: "    const lease = leaseOf(answer, {",
        replacement:
          "    const openForMs = Math.max(answer.openForMs, leases?.leaseMs ?? 0);\n    const lease = leaseOf({ ...answer, openForMs }, {",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-spent-after-its-return",
    breaks: "a reset gives the lease back, and what was given back is spent all the same (L3)",
    edits: [
      {
        file: `${room}/lease-keeper.ts`,
        search: "    lease.left = 0;\n    if (cost === 0) return;",
        replacement: "    if (cost === 0) return;",
      },
      {
        file: `${room}/lease-keeper.ts`,
        search: "      if (lease.index > upToIndex) kept.push(lease);\n      else this.#return(known, lease);",
        replacement: "      kept.push(lease);\n      if (lease.index <= upToIndex) this.#return(known, lease);",
      },
    ],
    foundBy: { tests: leases, seeds: 5 },
  },
  {
    name: "sdk-lease-lost-on-its-way-at-the-end",
    breaks: "a lease that is granted while its guard ends is kept from everybody until it is over",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "    if (verb.verb !== Verb.giveBack) this.#expectOpen();",
        replacement: "    this.#expectOpen();",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-kept-through-a-change-of-policies",
    breaks: "a limit is cut, and clients go on spending what they were granted under the old one",
    edits: [
      {
        file: `${room}/local-answers.ts`,
        search: "    this.#keeper.policiesChanged();\n    this.#keys.clear();",
        replacement: "    this.#keeper.policiesChanged();\n    this.anyReset(Number.POSITIVE_INFINITY);",
      },
    ],
    foundBy: { tests: leases },
  },
  {
    name: "sdk-lease-overspent-by-a-large-call",
    breaks: "a call that costs more than is left of a lease is admitted by it (L3)",
    edits: [
      {
        file: `${room}/lease-keeper.ts`,
        search: "    if (lease.left < cost || isOver(lease, nowMs, wallMs)) {",
        replacement: "    if (lease.left <= 0 || isOver(lease, nowMs, wallMs)) {",
      },
    ],
    foundBy: { tests: leases, seeds: 5 },
  },
  {
    name: "sdk-denial-kept-over-a-new-stream",
    breaks: "a key that was reset while the client was disconnected stays denied for hours (D2)",
    edits: [
      {
        file: `${room}/local-answers.ts`,
        search: "denials may have been undone unheard.\n    this.anyReset(Number.POSITIVE_INFINITY);",
        replacement: "denials may have been undone unheard.\n    this.anyReset(0);",
      },
    ],
    foundBy: { tests: denials },
  },
  {
    name: "sdk-denial-of-a-larger-cost",
    breaks: "what is denied at cost 5 is denied at cost 1, where there may be room (D2)",
    edits: [
      {
        file: `${room}/denials.ts`,
        search: "    if (denial.cost === cost) return",
        replacement: "    if (denial.cost >= cost) return",
      },
    ],
    foundBy: { tests: denials, seeds: 5 },
  },
  {
    name: "sdk-denial-older-than-a-push",
    breaks: "a reset is pushed before the denial arrives that it undoes, and the denial is remembered (D2)",
    edits: [
      {
        file: `${room}/heard-of-stream.ts`,
        search: "    return asOfIndex > this.#index && policyVersion === this.#policyVersion;",
        replacement: "    return asOfIndex > 0 && policyVersion === this.#policyVersion;",
      },
    ],
    foundBy: { tests: denials },
  },
  {
    name: "sdk-denial-counted-from-its-answer",
    breaks: "a denial whose reply was late is honoured when the key is free again (D2)",
    edits: [
      {
        file: `${room}/denials.ts`,
        search: "    untilMs: times.sentMs + firmForMs",
        replacement: "    untilMs: times.heardMs + firmForMs",
      },
      {
        file: `${room}/denials.ts`,
        search: "    untilWallMs: times.sentWallMs + firmForMs",
        replacement: "    untilWallMs: times.heardMs - times.sentMs + times.sentWallMs + firmForMs",
      },
    ],
    foundBy: { tests: denials },
  },
  {
    name: "denial-counted-twice-in-an-outage",
    breaks: "a denial that ends a call which others follow is counted there and here",
    edits: [
      {
        file: `${room}/local-answers.ts`,
        search: "    return denial === null ? null : deniedNow(known.rule, denial, nowMs);",
        replacement:
          "    if (denial === null) return null;\n    const denied = deniedNow(known.rule, denial, nowMs);\n    denialServed(this.#counts, denied.reason);\n    return denied;",
      },
    ],
    foundBy: { tests: observed },
  },
  {
    name: "own-answer-followed-as-a-call",
    breaks: "what this process answers at once has a span, and is counted twice, if the call has options",
    edits: [
      {
        file: "sdk-core/src/create-guard-core.ts",
        search: "    if (unsent === null && checked?.signal?.aborted !== true && isPlainTake(",
        replacement:
          "    this.#observer.callStarted?.(observedCall(item, group, verb, timeoutMs));\n    if (unsent === null && checked?.signal?.aborted !== true && isPlainTake(",
      },
    ],
    foundBy: { tests: observed },
  },
];
