import type { CommandSpec, FlagSpec } from "./command-spec.ts";
import { help, reaching, used } from "./common-specs.ts";

const timeout = {
  name: "timeout",
  value: "MS",
  text: "how long a node has to answer, in milliseconds",
  default: 10_000,
  bounds: [1, 600_000],
} as const satisfies FlagSpec;

const json = { name: "json", text: "the members as one JSON line on standard output" } as const satisfies FlagSpec;

const changed = [
  { status: 0, text: "done; the members are shown" },
  { status: 1, text: "refused, with what to do first, or no leader answers" },
  used,
] as const;

/** `quorumguard member list`. */
export const memberListSpec = {
  name: "member list",
  summary: "who votes, who learns, and how far each is",
  examples: [{ command: "quorumguard member list --endpoints 10.0.0.1:7400" }],
  operands: [],
  flags: [...reaching, timeout, json, help],
  notes: [],
  exitStatuses: [{ status: 0, text: "shown" }, { status: 1, text: "no node answers" }, used],
} as const satisfies CommandSpec;

/** `quorumguard member add`. */
export const memberAddSpec = {
  name: "member add",
  summary: "make a waiting newcomer a learner",
  examples: [{ command: "quorumguard member add 4 --peer 10.0.0.4:7401" }],
  operands: [{ name: "ID", text: "the newcomer's --id, larger than any that was ever a member's" }],
  flags: [
    { name: "peer", value: "HOST:PORT", text: "where it listens for the other nodes", otherwise: "where it said" },
    ...reaching,
    timeout,
    json,
    help,
  ],
  notes: ["Start it first: quorumguard node --id ID --join LIST on an empty folder waits until it is added."],
  exitStatuses: changed,
} as const satisfies CommandSpec;

/** `quorumguard member promote`. */
export const memberPromoteSpec = {
  name: "member promote",
  summary: "make a learner that has caught up a voter",
  examples: [{ command: "quorumguard member promote 4" }],
  operands: [{ name: "ID", text: "the learner" }],
  flags: [...reaching, timeout, json, help],
  notes: ["Have an odd number of voters: of four as of three, only one may fail."],
  exitStatuses: changed,
} as const satisfies CommandSpec;

/** `quorumguard member remove`. */
export const memberRemoveSpec = {
  name: "member remove",
  summary: "remove a voter or learner for ever",
  examples: [{ command: "quorumguard member remove 3" }],
  operands: [{ name: "ID", text: "the member; its id is never used again" }],
  flags: [...reaching, timeout, json, help],
  notes: ["A leader hands over first. The node that was removed stops by itself, exit status 0, when it hears of it."],
  exitStatuses: changed,
} as const satisfies CommandSpec;

/** `quorumguard member replace`. */
export const memberReplaceSpec = {
  name: "member replace",
  summary: "a learner votes in a voter's place, in one step",
  examples: [{ command: "quorumguard member replace 3 4", text: "node 4 in the place of node 3" }],
  operands: [
    { name: "ID", text: "the voter that goes; its id is never used again" },
    { name: "BY", text: "the learner, which has caught up" },
  ],
  flags: [...reaching, timeout, json, help],
  notes: [],
  exitStatuses: changed,
} as const satisfies CommandSpec;
