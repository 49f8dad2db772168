import type { CommandSpec } from "./command-spec.ts";
import { help, used } from "./common-specs.ts";

const folder = { name: "DATA_FOLDER", text: "the --data of a node that is stopped; nothing in it is changed" } as const;

/** `quorumguard log verify`. */
export const logVerifySpec = {
  name: "log verify",
  summary: "check a stopped node's data, and show what is in it",
  examples: [{ command: "quorumguard log verify /var/lib/quorumguard" }],
  operands: [folder],
  flags: [{ name: "json", text: "the whole report as one JSON line on standard output" }, help],
  notes: [
    "Reads every byte: identity, meta, every frame of the log, every piece of the snapshots. A torn last frame is no damage: its write was cut short, the next start drops it, and the node takes no part in decisions until the others have made up for it.",
    "Damage to data that the node had acknowledged: leave the folder as it is and start the node with --repair, or remove the member and join a new one on an empty folder.",
  ],
  exitStatuses: [
    { status: 0, text: "sound, or empty" },
    { status: 1, text: "damaged, or it could not be read: a running process uses it, there is no such folder" },
    used,
  ],
} as const satisfies CommandSpec;

/** `quorumguard log dump`. */
export const logDumpSpec = {
  name: "log dump",
  summary: "the log entries of a stopped node, one per line",
  examples: [{ command: "quorumguard log dump /var/lib/quorumguard --from 1000 --to 1100" }],
  operands: [folder],
  flags: [
    {
      name: "from",
      value: "N",
      text: "first index",
      otherwise: "the first one there is",
      bounds: [1, Number.MAX_SAFE_INTEGER],
    },
    {
      name: "to",
      value: "N",
      text: "last index",
      otherwise: "the last one there is",
      bounds: [1, Number.MAX_SAFE_INTEGER],
    },
    { name: "keys", text: "show the limited keys, which may be personal data; without it nobody sees them" },
    { name: "json", text: "every entry as one JSON line on standard output" },
    help,
  ],
  notes: ["Of a damaged log, the entries before the damage; quorumguard log verify says what is damaged."],
  exitStatuses: [{ status: 0, text: "dumped" }, { status: 1, text: "damaged, or it could not be read" }, used],
} as const satisfies CommandSpec;
