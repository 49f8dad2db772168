import type { Mutant } from "../mutant.ts";

const byOutbox = { tests: ["cluster/src/node/outbox.test.ts"] };

/**
 * Bugs that other implementations of Raft had, in this one's code. Names begin with the item of the checklist in the
 * documentation of the core.
 */
export const raftMutants: readonly Mutant[] = [
  {
    name: "A8-vote-cleared-by-stepping-down",
    breaks: "a candidate that learns of its term's leader forgets its vote, and may give a second one in the same term",
    edits: [
      {
        file: "raft/src/core/follower.ts",
        search: "      becomeFollower(core, message.term, message.from);\n",
        replacement: "      becomeFollower(core, message.term, message.from);\n      core.vote = noNode;\n",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/elections.test.ts"], scripts: true },
  },
  {
    name: "B1-commit-beyond-what-was-verified",
    breaks: "a follower takes the leader's commit index for a tail that this request has not compared (thesis §3.5)",
    edits: [
      {
        file: "raft/src/log/raft-log.ts",
        search: "this.commitTo(Math.min(leaderCommit, verified));",
        replacement: "this.commitTo(Math.min(leaderCommit, this.lastIndex()));",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"] },
  },
  {
    name: "B2-match-from-a-heartbeat-answer",
    breaks: "a follower's last index, told with a heartbeat, counts as held although nobody compared it",
    edits: [
      {
        file: "raft/src/core/follower.ts",
        search: "  response.context = message.context;\n",
        replacement: "  response.context = message.context;\n  response.index = core.log.lastIndex();\n",
      },
      {
        file: "raft/src/core/leader.ts",
        search: "  confirmReadRound(core, message);\n",
        replacement: "  confirmReadRound(core, message);\n  handleAcknowledgement(core, progress, message.index);\n",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"], scripts: true },
  },
  {
    name: "B2-unverified-tail-acknowledged",
    breaks:
      "a late append makes a follower acknowledge the end of its log, a tail of an older term that nobody compared",
    edits: [
      {
        file: "raft/src/core/follower.ts",
        search: "    response.index = log.committed;\n    core.send(response);\n",
        replacement: "    response.index = log.lastIndex();\n    core.send(response);\n",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"] },
  },
  {
    name: "B3-truncated-without-a-conflict",
    breaks:
      "an old append that comes late cuts off what a newer one brought, acknowledged entries perhaps (thesis §3.5)",
    edits: [
      {
        file: "raft/src/log/raft-log.ts",
        search: "entries.findIndex((entry) => !this.matches(entry.index, entry.term));",
        replacement: "entries.findIndex((entry) => entry.index > this.committed);",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"] },
  },
  {
    name: "B4-older-terms-committed-by-counting",
    breaks: "a leader commits an entry of an older term because a majority holds it (thesis §3.6.2, figure 3.7)",
    edits: [
      {
        file: "raft/src/log/raft-log.ts",
        search: "if (index <= this.committed || !this.matches(index, term)) return false;",
        replacement: "if (index <= this.committed || term === 0) return false;",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"], scripts: true },
  },
  {
    name: "B9-half-is-a-majority",
    breaks: "half of an even number of voters counts as a majority: two leaders, and commits that nobody shares",
    edits: [
      {
        file: "raft/src/quorum/majority.ts",
        search: "return Math.floor(count / 2) + 1;",
        replacement: "return Math.ceil(count / 2);",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"] },
  },
  {
    name: "B9-acknowledgements-in-no-order",
    breaks: "the commit index is that of whoever stands in the middle of the list, not what a majority holds",
    edits: [
      {
        file: "raft/src/quorum/majority.ts",
        search: "position > 0 && scratch[position - 1]! < index;",
        replacement: "position > count && scratch[position - 1]! < index;",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"], scripts: true },
  },
  {
    name: "B10-leader-counts-unflushed-self",
    breaks: "a leader counts its own entry before its disk has it: a majority holds it in memory only (thesis §10.2.1)",
    edits: [
      {
        file: "raft/src/core/replication.ts",
        search: "  core.send(acknowledgement);\n",
        replacement: "  core.tracker.get(core.id)?.acknowledge(acknowledgement.index);\n  maybeCommit(core);\n",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"], scripts: true },
  },
  {
    name: "B11-flush-report-of-an-older-term",
    breaks: "entries that were replaced and written again count as durable by the report of the first write (ABA)",
    edits: [
      {
        file: "raft/src/core/step.ts",
        search: "if (message.snapshot !== null) finishSnapshot(core, message.snapshot.index);",
        replacement: "finishAppend(core, message);",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/replication.test.ts"], scripts: true },
  },
  {
    name: "C1-read-before-a-commit-of-the-own-term",
    breaks: "a new leader answers a read before it knows what its predecessors committed (thesis §6.4)",
    edits: [
      {
        file: "raft/src/core/read-only.ts",
        search: 'return core.reads.hasWaiting && core.state === "leader" && hasCommittedInTerm(core);',
        replacement: 'return core.reads.hasWaiting && core.state === "leader";',
      },
    ],
    foundBy: { tests: ["raft/src/core/reads.test.ts"] },
  },
  {
    name: "C2-reads-share-a-round-under-way",
    breaks: "a read joins a round of heartbeats that has left already: an answer older than the question confirms it",
    edits: [
      {
        file: "raft/src/core/read-queue.ts",
        search: "  beginRound(index: number): void {\n    this.#lastRound++;\n",
        replacement: "  beginRound(index: number): void {\n    if (this.#rounds.length === 0) this.#lastRound++;\n",
      },
    ],
    foundBy: { tests: ["raft/src/core/read-rounds.test.ts"] },
  },
  {
    name: "D1-new-leader-forgets-changes-in-its-log",
    breaks: "a new leader takes a membership change while its log holds one that it has not applied (thesis §4.1)",
    edits: [
      {
        file: "raft/src/core/roles.ts",
        search: "  core.pendingConfIndex = core.log.lastIndex();\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/membership.test.ts"] },
  },
  {
    name: "E1-transfer-outlives-leadership",
    breaks:
      "a transfer under way is remembered over a loss of leadership: when it leads again it refuses every proposal",
    edits: [
      {
        file: "raft/src/core/raft-core.ts",
        search: "    this.leadTransferee = noNode;\n    this.pendingConfIndex",
        replacement: "    this.pendingConfIndex",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/transfer.test.ts"] },
  },
  {
    name: "F2-conflicting-log-kept-under-a-snapshot",
    breaks:
      "a log that differs from the snapshot at its index is kept, and what contradicts the leader counts as committed",
    edits: [
      {
        file: "raft/src/core/follower.ts",
        search: "if (log.matches(snapshot.index, snapshot.term)) {",
        replacement: "if (snapshot.index <= log.lastIndex()) {",
      },
    ],
    foundBy: { tests: ["raft/src/checklist/snapshots.test.ts"] },
  },
  {
    name: "commit-news-after-the-call-to-lead",
    breaks:
      "a member that was just promoted is told to lead before it hears that it may, and does not (§3.10 of the thesis)",
    edits: [
      {
        file: "cluster/src/node/outbox.ts",
        search: "messages.unshift(news);",
        replacement: "messages.push(news);",
      },
    ],
    foundBy: byOutbox,
  },
  {
    name: "commit-news-of-an-earlier-term",
    breaks: "a leader that was deposed and elected again tells what it knew then",
    edits: [
      {
        file: "cluster/src/node/outbox.ts",
        search: "news?.term === term &&",
        replacement: "news !== undefined &&",
      },
    ],
    foundBy: byOutbox,
  },
  {
    name: "probe-held-back",
    breaks: "a follower that lacks entries is asked how far its log reaches only with the next tick",
    edits: [
      {
        file: "cluster/src/node/outbox.ts",
        search: " && index === lastIndex) this.#commitNews",
        replacement: ") this.#commitNews",
      },
    ],
    foundBy: byOutbox,
  },
  {
    name: "dead-peer-dialled-after-a-pause",
    breaks: "a leader whose listener outlived its connections by a moment is proven dead later than need be (N4)",
    edits: [
      {
        file: "cluster/src/transport/peer-link.ts",
        search: "    this.#eager = eagerDials;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/transport/tcp-transport.test.ts"] },
  },
];
