import type { Mutant } from "../mutant.ts";

/** Bugs in who belongs to a cluster, and in whom a node counts that came back with less than it had. */
export const membershipMutants: readonly Mutant[] = [
  {
    name: "joint-quorum-of-the-new-half-alone",
    breaks: "in a joint configuration the old majority is not asked: both may commit, each its own (thesis §4.3)",
    edits: [
      {
        file: "raft/src/quorum/joint.ts",
        search: "if (voters.outgoing.length === 0) return incoming;",
        replacement: "if (voters.outgoing.length >= 0) return incoming;",
      },
    ],
    foundBy: { tests: ["raft/src/quorum/quorum.prop.test.ts"] },
  },
  {
    name: "quorum-of-the-old-configuration",
    breaks: "in a joint configuration a node asks the old voters alone, while the new ones decide as well",
    edits: [
      {
        file: "cluster/src/node/members.ts",
        search: "return hasMajority(voters, holds) && hasMajority(votersOutgoing, holds);",
        replacement: "return hasMajority(votersOutgoing.length > 0 ? votersOutgoing : voters, holds);",
      },
    ],
    foundBy: { tests: ["cluster/src/node/members.test.ts"] },
  },
  {
    name: "B9-learner-counts-toward-commit",
    breaks: "an entry that a learner holds counts as held by a voter: it may be committed by a minority",
    edits: [
      {
        file: "raft/src/tracker/tracker.ts",
        search: "return jointIndex(this.membership, this.#matchOf);",
        replacement: `const { incoming, outgoing, learners } = this.membership;
    return jointIndex({ incoming: [...incoming, ...learners], outgoing }, this.#matchOf);`,
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"] },
  },
  {
    name: "D6-removed-id-added-again",
    breaks: "an id that was a member's is given to another disk, which knows nothing of the votes that the id gave",
    edits: [
      {
        file: "cluster/src/node/members.ts",
        search: "return nodeId <= this.#highestId && !this.includes(nodeId);",
        replacement: "return nodeId <= 0 && !this.includes(nodeId);",
      },
    ],
    foundBy: { tests: ["cluster/src/node/members.test.ts"] },
  },
  {
    name: "D8-highest-id-missing-from-the-snapshot",
    breaks: "a node restored from a snapshot does not know which ids were in use before",
    edits: [
      {
        file: "cluster/src/node/members.ts",
        search: "    this.#highestId = Math.max(this.#highestId, highestId);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/node/members.test.ts"] },
  },
  {
    name: "N2-votes-before-it-is-repaired",
    breaks: "a node that lost the end of its log votes again when anything is committed in it, of whatever term",
    edits: [
      {
        file: "raft/src/core/abstention.ts",
        search: "term >= core.abstainsFrom) {",
        replacement: "term > 0) {",
      },
    ],
    foundBy: { tests: ["raft/src/core/abstention.test.ts"], scripts: true },
  },
  {
    name: "N2-returns-before-all-have-told",
    breaks: "a node that lost the end of its log votes although the one voter that may have elected a leader is silent",
    edits: [
      {
        file: "cluster/src/node/abstention.ts",
        search: "if (this.#isDamaged || this.waitsFor(voters).length > 0) return null;",
        replacement:
          "if (this.#isDamaged || this.waitsFor(voters).length > 1) return null;\n    voters = voters.filter((voter) => this.#told.has(voter));",
      },
    ],
    foundBy: { tests: ["cluster/src/node/abstention.test.ts"] },
  },
  {
    name: "N2-returns-in-a-term-that-it-may-have-voted-in",
    breaks: "the term of a node that lost the end of its log is not raised above what it may have promised there",
    edits: [
      {
        file: "cluster/src/node/abstention.ts",
        search: "term: Math.max(latestTerm, hardState.term) + 1, vote: nodeId",
        replacement: "term: hardState.term, vote: hardState.vote || (latestTerm > 0 ? nodeId : 0)",
      },
    ],
    foundBy: { tests: ["cluster/src/node/abstention.test.ts"] },
  },
  {
    name: "D2-second-change-before-the-first-is-applied",
    breaks: "two membership changes are under way at once, and their majorities need not share anybody (thesis §4.1)",
    edits: [
      {
        file: "raft/src/core/membership.ts",
        search: "if (core.pendingConfIndex > core.log.applied) return",
        replacement: "if (core.pendingConfIndex < 0) return",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/membership.test.ts"] },
  },
  {
    name: "D7-promoted-before-it-has-caught-up",
    breaks:
      "a learner that has next to nothing gets a vote: with one voter down, nothing is committed until it has all",
    edits: [
      {
        file: "cluster/src/node/member-changes.ts",
        search: 'progress.state !== "replicate" || lag > maxPromotionLag) {',
        replacement: 'progress.state !== "replicate" && lag < 0) {',
      },
    ],
    foundBy: { tests: ["cluster/src/node/promotion.test.ts"] },
  },
  {
    name: "N3-another-disk-joins-under-a-known-id",
    breaks:
      "an empty folder takes the place of a member's disk under its id, and with it of votes that it knows nothing of",
    edits: [
      {
        file: "cluster/src/node/joining.ts",
        search: "if (self.nonce !== this.#nonce) {",
        replacement: 'if (self.nonce === "") {',
      },
    ],
    foundBy: { tests: ["cluster/src/node/joining.test.ts"] },
  },
  {
    name: "membership-read-as-a-stamp",
    breaks:
      "a new leader takes the bytes of a membership change for the newest stamp in its log: its time leaps, or begins behind its own entries (T2)",
    edits: [
      {
        file: "cluster/src/node/log-stamp.ts",
        search: "entry === undefined || entry.type !== EntryType.normal || entry.data",
        replacement: "entry === undefined || entry.data",
      },
    ],
    foundBy: { tests: ["cluster/src/node/log-stamp.test.ts"] },
  },
];
