import type { Mutant } from "../mutant.ts";

const inForce = "limiter/src/policies/rule-in-force.test.ts";
const groupBans = "limiter/src/policies/group-bans.test.ts";
const banTable = "limiter/src/abuse/ban-table.test.ts";

/** Wrong ways to count denials and to ban. */
export const banMutants: readonly Mutant[] = [
  {
    name: "ban-kept-in-memory-alone",
    breaks: "bans and the denials that lead to them are in no snapshot: whoever restores one lets the banned in (S8)",
    edits: [
      { file: "limiter/src/machine/state.ts", search: "    this.bans.save(meta);\n", replacement: "" },
      { file: "limiter/src/machine/state.ts", search: "    this.bans.load(meta);\n", replacement: "" },
    ],
    foundBy: { tests: [inForce] },
  },
  {
    name: "ban-begun-twice-by-one-call",
    breaks: "a key that is repeated in one all-or-nothing call goes from ban to longer ban within it (G1)",
    edits: [
      {
        file: "limiter/src/policies/governed-calls.ts",
        search:
          "    if (!alone && (judged.outcome === Outcome.limited || this.#charges(judged))) this.#meetBan(judged, at);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [groupBans] },
  },
  {
    name: "ban-beyond-its-block",
    breaks:
      "a key under a policy that waits for hundreds of denials is never banned: no block is twice as large as its own",
    edits: [
      {
        file: "limiter/src/abuse/ban-table.ts",
        search: "    if (this.#cells + cells > banBounds.cells) return 0;\n    const grown",
        replacement:
          "    if (this.#cells + cells > banBounds.cells || tail + capacity * 2 > MAX_BLOCK_CELLS) return 0;\n    const grown",
      },
    ],
    foundBy: { tests: [banTable] },
  },
  {
    name: "ban-forgotten-by-the-sweep",
    breaks: "a sweep decides which denials and bans count under a policy that looks further back since (K2)",
    edits: [
      {
        file: "limiter/src/abuse/bans.ts",
        search: "found !== 0 && !table.isOver(found, stampUs);",
        replacement: "found !== 0;",
      },
    ],
    foundBy: { tests: [banTable] },
  },
];
