import type { CommandSpec, FlagSpec } from "./command-spec.ts";
import { help, reaching, used } from "./common-specs.ts";

/** Whose policies, bans and keys a command is about. */
export const namespace = {
  name: "namespace",
  value: "NAME",
  text: "whose policies, up to 128 bytes",
  otherwise: "the default namespace",
} as const satisfies FlagSpec;

/** How long a command goes on trying. */
export const patience = {
  name: "timeout",
  value: "MS",
  text: "how long to go on trying, in milliseconds",
  default: 10_000,
  bounds: [1, 600_000],
} as const satisfies FlagSpec;

/** Where the cluster is: every command that asks it has these. */
export const asking = [...reaching, patience] as const;

const json = { name: "json", text: "one JSON line on standard output" } as const satisfies FlagSpec;

/** Flags of every change. */
export const changing = [
  {
    name: "expect",
    value: "VERSION",
    text: "refuse unless the namespace is at this version",
    otherwise: "whatever is there",
    bounds: [0, Number.MAX_SAFE_INTEGER],
  },
  {
    name: "change-id",
    value: "ID",
    text: "up to 128 bytes: a repetition under it within ten minutes changes nothing and gets the first answer",
    otherwise: "a new one each time",
  },
] as const satisfies readonly FlagSpec[];

const fileNamespace = {
  ...namespace,
  otherwise: "the file's, else the default namespace",
} as const satisfies FlagSpec;

const file = { name: "FILE", text: "policies in YAML or JSON; - for standard input" } as const;

/** When a change ends with what. */
export const changedStatuses = [
  { status: 0, text: "done, or everything was so already" },
  { status: 1, text: "refused, with what to do, or no node answers" },
  used,
] as const;

const answeredStatuses = [{ status: 0, text: "shown" }, { status: 1, text: "no node answers" }, used] as const;

/** `quorumguard policy get`. */
export const policyGetSpec = {
  name: "policy get",
  summary: "what is set for a namespace, as a file that policy put takes",
  examples: [{ command: "quorumguard policy get --namespace shop" }],
  operands: [],
  flags: [namespace, ...asking, json, help],
  notes: ["The version in force stands in the first line, as a comment; with --json, beside the document."],
  exitStatuses: answeredStatuses,
} as const satisfies CommandSpec;

/** `quorumguard policy put`. */
export const policyPutSpec = {
  name: "policy put",
  summary: "put the policies of a file in force, on every node at once",
  examples: [
    { command: "quorumguard policy put policies.yaml" },
    {
      command: "quorumguard policy put policies.yaml --expect 7",
      text: "only if nobody changed anything since version 7",
    },
  ],
  operands: [file],
  flags: [fileNamespace, ...changing, ...asking, json, help],
  notes: [
    "Each section of the file replaces that section as a whole; sections that it does not have stay as they are.",
    "What is counted stays counted: a key that has used 80 of 100 has used 80 of 50 afterwards.",
  ],
  exitStatuses: changedStatuses,
} as const satisfies CommandSpec;

/** `quorumguard policy diff`. */
export const policyDiffSpec = {
  name: "policy diff",
  summary: "what policy put would change",
  examples: [{ command: "quorumguard policy diff policies.yaml" }],
  operands: [file],
  flags: [fileNamespace, ...asking, json, help],
  notes: [],
  exitStatuses: [
    { status: 0, text: "nothing" },
    { status: 3, text: "something, which is shown" },
    { status: 1, text: "no node answers" },
    used,
  ],
} as const satisfies CommandSpec;

/** `quorumguard policy history`. */
export const policyHistorySpec = {
  name: "policy history",
  summary: "the latest changes: when, who, what",
  examples: [{ command: "quorumguard policy history --limit 5" }],
  operands: [],
  flags: [
    namespace,
    { name: "limit", value: "N", text: "how many, the newest first", default: 20, bounds: [1, 100] },
    ...asking,
    json,
    help,
  ],
  notes: [
    "A namespace keeps its last 256 changes within 5 MiB; all namespaces together keep 16 MiB, the largest history gives way first.",
  ],
  exitStatuses: answeredStatuses,
} as const satisfies CommandSpec;

/** `quorumguard policy rollback`. */
export const policyRollbackSpec = {
  name: "policy rollback",
  summary: "make everything as it was at an earlier version",
  examples: [{ command: "quorumguard policy rollback 6" }],
  operands: [{ name: "VERSION", text: "as policy history shows it; 0: before anything was set" }],
  flags: [namespace, ...changing, ...asking, json, help],
  notes: ["That is a new version; the history stays as it is."],
  exitStatuses: changedStatuses,
} as const satisfies CommandSpec;

/** `quorumguard policy delete`. */
export const policyDeleteSpec = {
  name: "policy delete",
  summary: "delete a policy",
  examples: [{ command: "quorumguard policy delete login" }],
  operands: [{ name: "NAME", text: "the policy's name" }],
  flags: [namespace, ...changing, ...asking, json, help],
  notes: ["Calls that send numbers of their own along go on with those; calls by name alone are refused from then on."],
  exitStatuses: changedStatuses,
} as const satisfies CommandSpec;

/** `quorumguard policy watch`. */
export const policyWatchSpec = {
  name: "policy watch",
  summary: "put a file in force now and whenever it changes",
  examples: [{ command: "quorumguard policy watch policies.yaml" }],
  operands: [{ name: "FILE", text: "policies in YAML or JSON" }],
  flags: [fileNamespace, ...asking, { name: "json", text: "every event as one JSON line on standard output" }, help],
  notes: [
    "A file that cannot be applied is reported on standard error, and what is in force stays. Ctrl-C ends it.",
    "While no node answers or nobody leads, it says so and tries again, after 1 s at first and every 10 s at last. What the cluster refuses is not tried again until the file changes.",
    "A node does the same with --policies, while it leads.",
  ],
  exitStatuses: [{ status: 0, text: "ended because it was asked to" }, used],
} as const satisfies CommandSpec;
