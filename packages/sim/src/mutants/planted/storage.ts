import type { Mutant } from "../mutant.ts";

/** Bugs in what a node's disk keeps, and in what it is taken for afterwards. */
export const storageMutants: readonly Mutant[] = [
  {
    name: "acknowledged-before-flush",
    breaks: "a decision is told while its entry is only in memory: power loss takes it back (P5)",
    edits: [
      {
        file: "cluster/src/storage/log-writer.ts",
        search: `    await this.active.write(this.offset, [frame]);
    await this.active.flush();
`,
        replacement: `    await this.active.write(this.offset, [frame]);
    void this.active.flush();
`,
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "vote-forgotten",
    breaks: "a vote is not written: a node that restarts votes again in the same term, and two leaders may have it",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "storage.append({ hardState: ready.hardState, entries, snapshot: meta }, () => {",
        replacement:
          "storage.append({ hardState: ready.hardState && { ...ready.hardState, vote: 0 }, entries, snapshot: meta }, () => {",
      },
    ],
    foundBy: { tests: ["cluster/src/node/driver.test.ts"], seeds: 500 },
  },
  {
    name: "term-of-the-last-entry-after-a-restart",
    breaks:
      "a restarted node is in the term of its last entry: it answers again in terms that it has left, and votes again",
    edits: [
      {
        file: "cluster/src/storage/open-storage.ts",
        search: "  const hardState = snapshot === null ? log.hardState : atLeast(log.hardState, snapshot);",
        replacement: `  const read = snapshot === null ? log.hardState : atLeast(log.hardState, snapshot);
  const lastTerm = view.term(view.lastIndex);
  const isLater = typeof lastTerm === "number" && lastTerm < read.term;
  const hardState = isLater ? { ...read, term: lastTerm, vote: 0 } : read;`,
      },
    ],
    foundBy: { seeds: 500 },
  },
  {
    name: "recovered-log-not-flushed",
    breaks: "what a restarted node read from the page cache is acknowledged and then lost with the power (N1)",
    edits: [
      {
        file: "cluster/src/storage/open-storage.ts",
        search: "  await log.active.flush();\n  const start",
        replacement: "  const start",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/recovery.test.ts"], seeds: 500 },
  },
  {
    name: "G4-term-apart-from-its-entries",
    breaks: "entries are durable before the term they belong to: after a crash the node is back in a term that it left",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "storage.append({ hardState: ready.hardState, entries, snapshot: meta }, () => {",
        replacement: `const apart = entries.length > 0 && ready.hardState !== null;
    storage.append({ hardState: apart ? null : ready.hardState, entries, snapshot: meta }, () => {
      if (apart) storage.append({ hardState: ready.hardState, entries: [], snapshot: null }, () => {});`,
      },
    ],
    foundBy: { tests: ["cluster/src/node/driver.test.ts"] },
  },
  {
    name: "torn-frame-accepted",
    breaks: "a frame whose body was not written whole is read as if it had been: entries that nobody proposed (G3)",
    edits: [
      {
        file: "cluster/src/storage/log-frame.ts",
        search: "  if (header.readUInt32LE(72) !== checksum(body, seed)) return null;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/recovery.test.ts"] },
  },
  {
    name: "damage-taken-for-a-torn-write",
    breaks:
      "a bad frame with good ones behind it is dropped like an unfinished one: acknowledged entries are gone (G2)",
    edits: [
      {
        file: "cluster/src/storage/log-recovery.ts",
        search: "if (sequence !== null && sequence > expected) {",
        replacement: "if (sequence !== null && sequence > Number.MAX_SAFE_INTEGER) {",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/recovery.test.ts"] },
  },
  {
    name: "meta-proof-ignored",
    breaks: "META says that the last frame was durable, and the bad one in its place passes for a torn write",
    edits: [
      {
        file: "cluster/src/storage/log-recovery.ts",
        search: "if (this.meta.durableSequence >= expected) {",
        replacement: "if (this.meta.durableSequence < 0) {",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/recovery.test.ts"] },
  },
  {
    name: "older-meta-slot-counts",
    breaks: "of two valid slots the older one is believed: what was noted last is forgotten, an abstention perhaps",
    edits: [
      {
        file: "cluster/src/storage/meta-slots.ts",
        search: "valid.sort((a, b) => b.generation - a.generation)[0]",
        replacement: "valid.sort((a, b) => a.generation - b.generation)[0]",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/recovery.test.ts"] },
  },
  {
    name: "G8-folder-not-flushed-after-a-new-segment",
    breaks: "a segment's name is not durable when its frames are: a power failure takes what was acknowledged",
    edits: [
      {
        file: "cluster/src/storage/log-writer.ts",
        search: "  await files.rename(spare.path, path);\n  await files.flushFolder(logFolder);\n",
        replacement: "  await files.rename(spare.path, path);\n",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/crash-states.test.ts"] },
  },
  {
    name: "G8-folder-not-flushed-after-a-snapshot",
    breaks: "the log lets go of what a snapshot holds before the snapshot's name is durable",
    edits: [
      {
        file: "cluster/src/storage/snapshot-store.ts",
        search:
          ".snap`;\n        await this.files.rename(part, path);\n        await this.files.flushFolder(snapshotFolder);\n",
        replacement: ".snap`;\n        await this.files.rename(part, path);\n",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/crash-states.test.ts"] },
  },
  {
    name: "log-of-small-entries-that-outgrows-its-bound",
    breaks:
      "what an entry takes beside its data is not counted: a busy node of few keys holds half a gigabyte of log, and dies slowly",
    edits: [
      {
        file: "cluster/src/storage/log-view.ts",
        search: "return overheadBytes + entry.data.length;",
        replacement: "return entry.data.length;",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/storage.test.ts"] },
  },
  {
    name: "trail-of-any-size-behind-a-snapshot",
    breaks: "ten thousand entries of a megabyte stay in memory for a follower that would sooner have the image",
    edits: [
      {
        file: "cluster/src/storage/log-view.ts",
        search: "      if (bytes > maxBytes) return at;\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/node/snapshots.test.ts"] },
  },
  {
    name: "size-of-the-snapshot-forgotten-by-a-restart",
    breaks: "a node with much state writes all of it again as soon as it has started",
    edits: [
      {
        file: "cluster/src/storage/snapshot-store.ts",
        search: "this.newest = { meta: header.meta, bytes: await handle.size(), path, readers: 0 };",
        replacement: "this.newest = { meta: header.meta, bytes: 0, path, readers: 0 };",
      },
    ],
    foundBy: { tests: ["cluster/src/node/snapshots.test.ts"] },
  },
  {
    name: "N1-snapshot-names-read-and-not-flushed",
    breaks:
      "a snapshot that a killed process had just named counts, older ones are removed, and the power takes the name",
    edits: [
      {
        file: "cluster/src/storage/snapshot-store.ts",
        search: "best}`);\n    await this.files.flushFolder(snapshotFolder);\n",
        replacement: "best}`);\n",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/killed-process.test.ts"] },
  },
  {
    name: "N1-segment-names-read-and-not-flushed",
    breaks:
      "a restarted node appends to a segment whose name only the page cache has: the power takes what it acknowledged",
    edits: [
      {
        file: "cluster/src/storage/open-storage.ts",
        search: "  await files.flushFolder(logFolder);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/killed-process.test.ts"] },
  },
  {
    name: "G2-repair-relies-on-a-snapshot-whose-name-is-not-durable",
    breaks: "a repaired log no longer says that it begins with the received snapshot, whose name the power then takes",
    edits: [
      {
        file: "cluster/src/storage/snapshot-store.ts",
        search: "snapshotFolder, name));\n    }\n    await this.files.flushFolder(snapshotFolder);\n",
        replacement: "snapshotFolder, name));\n    }\n",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/killed-process.test.ts"] },
  },
  {
    name: "F2-folder-not-flushed-after-a-received-snapshot",
    breaks: "the frame that switched to a received snapshot is dropped before the snapshot's name is durable",
    edits: [
      {
        file: "cluster/src/storage/snapshot-store.ts",
        search: ".received`, path);\n      await this.files.flushFolder(snapshotFolder);\n",
        replacement: ".received`, path);\n",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/crash-states.test.ts"] },
  },
  {
    name: "N2-old-copy-taken-for-the-folder",
    breaks:
      "a node whose folder was put back to an earlier state votes: with one that lags it elects away what was acknowledged",
    edits: [
      {
        file: "cluster/src/node/hello-judge.ts",
        search: "    return lack === null ? null : lostReason(",
        replacement: "    return lack !== null ? null : lostReason(",
      },
    ],
    foundBy: { tests: ["cluster/src/node/lost-data.test.ts"] },
  },
  {
    name: "N2-leader-says-nothing-of-its-own-disk",
    breaks:
      "followers do not learn what a leader had flushed, so that nobody notices when it comes back with an old copy",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: "      if (to !== nodeId) this.#deliver({ ...createMessage(MessageType.appResp, to)",
        replacement: "      if (to < 0) this.#deliver({ ...createMessage(MessageType.appResp, to)",
      },
    ],
    foundBy: { tests: ["cluster/src/node/lost-data.test.ts"] },
  },
  {
    name: "committed-entries-of-a-leader-not-compared",
    breaks: "a node waits for ever, and ready, behind a leader that lacks what it knows to be committed",
    edits: [
      {
        file: "cluster/src/node/proof-of-loss.ts",
        search: '  if (conflict !== null) return { kind: "conflict", index: conflict };\n',
        replacement: "",
      },
    ],
    foundBy: { tests: ["cluster/src/node/proof-of-loss.test.ts"] },
  },
  {
    name: "learner-believes-in-a-silent-leader",
    breaks: "a learner is ready and names a leader that has stepped down long ago",
    edits: [
      {
        file: "cluster/src/node/driver.ts",
        search: ">= silentTimeouts * electionMs) this.raft.forgetLeader();",
        replacement: ">= silentTimeouts * electionMs) this.#silentTicks = 0;",
      },
    ],
    foundBy: { tests: ["cluster/src/node/leader-silence.test.ts"] },
  },
  {
    name: "F2-log-of-another-term-kept-beside-a-snapshot",
    breaks:
      "a log that contradicts a snapshot at its index is read as its continuation, when nothing else parts the two",
    edits: [
      {
        file: "cluster/src/storage/join-log.ts",
        search: "covered === undefined || covered.term !== origin.term",
        replacement: "covered === undefined",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/repair-conflict.test.ts"] },
  },
  {
    name: "G6-failed-flush-passed-over",
    breaks: "a flush that failed is taken for done: the disk may have dropped what it could not write",
    edits: [
      {
        file: "cluster/src/storage/log-writer.ts",
        search: "    await this.active.flush();\n    this.countFlush",
        replacement: "    await this.active.flush().catch(() => {});\n    this.countFlush",
      },
    ],
    foundBy: { tests: ["cluster/src/storage/faults.test.ts"] },
  },
];
