import { algorithmNames } from "@quorumguard/limiter";
import { edgeLimits } from "../server/edge-limits.ts";
import type { CommandSpec } from "./command-spec.ts";
import { help, used } from "./common-specs.ts";
import { asking, changedStatuses, changing, namespace } from "./policy-specs.ts";

const json = { name: "json", text: "one JSON line on standard output" } as const;

const answeredStatuses = [{ status: 0, text: "shown" }, { status: 1, text: "no node answers" }, used] as const;

/** `quorumguard ban list`. */
export const banListSpec = {
  name: "ban list",
  summary: "which keys are banned, and for how much longer",
  examples: [{ command: "quorumguard ban list --policy login" }],
  operands: [],
  flags: [
    { name: "policy", value: "NAME", text: "only bans under this policy", otherwise: "all" },
    namespace,
    { name: "limit", value: "N", text: "how many at most", default: 100, bounds: [1, 1_000] },
    ...asking,
    json,
    help,
  ],
  notes: [],
  exitStatuses: answeredStatuses,
} as const satisfies CommandSpec;

/** `quorumguard ban lift`. */
export const banLiftSpec = {
  name: "ban lift",
  summary: "end a ban, and forget what it was for",
  examples: [{ command: "quorumguard ban lift user:1 --policy login" }],
  operands: [{ name: "KEY", text: "the banned key" }],
  flags: [
    { name: "policy", value: "NAME", required: true, text: "the policy that banned it" },
    namespace,
    ...changing,
    ...asking,
    json,
    help,
  ],
  notes: [],
  exitStatuses: changedStatuses,
} as const satisfies CommandSpec;

/** `quorumguard explain`. */
export const explainSpec = {
  name: "explain",
  summary: "why a key is decided as it is",
  examples: [
    { command: "quorumguard explain user:1 --policy login" },
    { command: "quorumguard explain user:1 --limit 5 --window 1m", text: "under a limit that callers send along" },
  ],
  operands: [{ name: "KEY", text: `the key, 1 to ${edgeLimits.maxKeyBytes} bytes of UTF-8` }],
  flags: [
    { name: "policy", value: "NAME", text: "the policy that callers name", otherwise: "--limit and --window" },
    { name: "limit", value: "N", text: "the limit that callers send", bounds: [0, edgeLimits.maxLimit] },
    { name: "window", value: "DURATION", text: "the window that callers send: 500ms, 10s, 5m, 1h, 1d" },
    {
      name: "algorithm",
      value: "NAME",
      text: "the algorithm that callers send",
      default: "sliding-window-log",
      choices: algorithmNames,
    },
    {
      name: "burst",
      value: "N",
      text: "the burst that callers send, for token-bucket",
      otherwise: "the limit",
      bounds: [1, edgeLimits.maxLimit],
    },
    namespace,
    ...asking,
    json,
    help,
  ],
  notes: ["Nothing is charged, and nothing is written: the leader answers from its applied state."],
  exitStatuses: answeredStatuses,
} as const satisfies CommandSpec;

/** `quorumguard top`. */
export const topSpec = {
  name: "top",
  summary: "the keys with the most denials or decisions of late",
  examples: [{ command: "quorumguard top --by load" }],
  operands: [],
  flags: [
    {
      name: "by",
      value: "WHAT",
      text: "denials or load",
      default: "denials",
      choices: ["denials", "load"],
    },
    { name: "limit", value: "N", text: "how many keys", default: 20, bounds: [1, 1_000] },
    {
      name: "namespace",
      value: "NAME",
      text: "only keys of this namespace; empty is the default one",
      otherwise: "all namespaces",
    },
    ...asking,
    json,
    help,
  ],
  notes: [
    "The last minute or two count. Counts are estimates of the leader, which begin anew with every leader. How much too high (over) and too low (under) each may be is shown beside it: certainly while the leader decides no more than 1,000 items in a tenth of a second; of more it looks at a sample, and then one key in a thousand may be further off.",
  ],
  exitStatuses: answeredStatuses,
} as const satisfies CommandSpec;
