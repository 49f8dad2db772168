import { expect, test } from "vitest";
import { runScript } from "./run-script.ts";
import { readScript, rewriteScript } from "./script-reader.ts";

/** What the commands print, in order. `lines` are commands, or `command: input`. */
function outputs(...lines: readonly string[]): readonly string[] {
  const text = lines.map((line) => `${line.replace(": ", "\n")}\n----\n\n`).join("");
  const { rewritten } = runScript(text);
  return readScript(rewritten!).map(({ expected }) => expected);
}

const group = "add-nodes 3 voters=(1,2,3) index=10";
const elected = [group, "campaign 1", "stabilize log-level=none"];

test("a script runs on quorums, on a membership or on a group, by what its commands are", () => {
  expect(outputs("vote cfg=(1,2) votes=(y,n)")).toEqual(["VoteLost"]);
  expect(outputs("simple: v1", "leave-joint")).toEqual([
    "voters=(1)\n1: StateProbe match=0 next=1",
    "can't leave a non-joint config",
  ]);
  expect(outputs(group, "raft-log 1")).toEqual(["ok", "log is empty: first index=11, last index=10"]);
});

test("log lines on either side, the line ends of Windows and trailing blanks are no differences", () => {
  const text = "vote cfg=(1) votes=(_)\r\n----\r\nINFO something\r\nVotePending\r\n\r\n";
  expect(runScript(text)).toMatchObject({ commands: 1, differences: [] });
});

test("every difference is reported with its line, also after a command that crashed", () => {
  const text = `${group}\n----\nok\n\nadd-nodes 1 inflight=0\n----\nok\n\nraft-log 1\n----\nwrong\n`;
  const { differences, commands } = runScript(text);
  expect(commands).toBe(3);
  expect(differences.map(({ line, command }) => [line, command])).toEqual([
    [5, "add-nodes"],
    [9, "raft-log"],
  ]);
  expect(differences[0]!.actual).toMatch(/^crashed: RangeError: maxInflightMessages: 0 is not/);
});

test("what cannot be read is a difference as well", () => {
  expect(runScript("a\n").differences).toMatchObject([{ line: 1, actual: "line 1: a has no ----" }]);
  expect(runScript("# only this\n").differences).toMatchObject([{ actual: "no command" }]);
  expect(runScript("\na\n----\n----\nx\n").differences).toMatchObject([
    { line: 2, actual: expect.stringContaining("not closed") },
  ]);
  expect(runScript("a b=(1\n----\n").differences).toMatchObject([{ actual: expect.stringContaining("unbalanced") }]);
});

test("rewriting keeps comments and inputs, and doubles the line where the output has blank lines", () => {
  const text = "# c\na \\\n b\nin\n----\n----\nold\n\nold\n----\n----\n\nb\n----\nold\n";
  expect(rewriteScript(text, ["new", "x\n\ny"])).toBe(
    "# c\na \\\n b\nin\n----\nnew\n\nb\n----\n----\nx\n\ny\n----\n----\n",
  );
});

test("quorum commands check themselves, and their input", () => {
  expect(outputs("committed cfg=(1,2) idx=(3)")).toEqual([
    "error: mismatched input (explicit or _) for voters map[1:{} 2:{}]: [3]",
  ]);
  expect(outputs("vote cfg=(1,2) cfgj=(4,10) votes=(y,n,_)", "committed cfg=(1,2) idx=(0,5)")).toEqual([
    "error: mismatched input (explicit or _) for voters map[1:{} 2:{} 4:{} 10:{}]: [2 1 0]",
    "cannot use 0 as idx",
  ]);
  expect(outputs("vote cfgj=zero", "vote cfg=(1) cfgj=zero votes=(n)", "committed cfgj=zero")).toEqual([
    "VoteWon",
    "VoteLost",
    "<empty majority quorum>∞",
  ]);
});

test("wrong membership changes say what is wrong, and count as a command", () => {
  expect(outputs("simple\nv1", "simple\nx3", "simple\nv", "enter-joint\nvx", "simple\nv2").slice(1)).toEqual([
    "unknown input: x3",
    "unknown token v",
    'strconv.ParseUint: parsing "x": invalid syntax',
    expect.stringContaining("2: StateProbe match=0 next=4"),
  ]);
});

test("an id that is too large for etcd is refused in its words, and one that is too large for here in ours", () => {
  expect(
    outputs("simple\nv99999999999999999999", "simple\nv18446744073709551616", "simple\nv18446744073709551615"),
  ).toEqual([
    'strconv.ParseUint: parsing "99999999999999999999": value out of range',
    'strconv.ParseUint: parsing "18446744073709551616": value out of range',
    "node: 18446744073709551615 is above 2^53 - 1",
  ]);
});

test("wrong commands say what is wrong, also in silence", () => {
  expect(
    outputs(
      "log-level none",
      "dance",
      "add-nodes 1 voters=(1)",
      "add-nodes 1 voters=(1) index=2 read-only=fast",
      "add-nodes 1 voters=(1) index=2 read-only=lease-based",
      "log-level loud",
      group,
      "propose 1 a",
      "propose-conf-change 1 transition=slow: v1",
      "propose-conf-change 1 v1=true: v4 v5",
      "propose-conf-change 1 v1=maybe: v4",
      "compact 1 10",
      "compact 1 99",
      "compact 1",
      "propose-conf-change 1\nv4 x3",
      "campaign 9",
      "campaign x",
      "transfer-leadership from=1 to=9",
      "add-nodes 1 voters=(1 2) index=2",
      "deliver-msgs one",
    ),
  ).toEqual([
    "ok",
    "unknown command",
    "index must be specified as > 1 due to bootstrap",
    'invalid read-only option "fast"',
    "CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased",
    "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]",
    "ok",
    "raft proposal dropped",
    "unknown transition slow",
    "v1 conf change can only have one operation and no transition",
    "v1: maybe is neither true nor false",
    "requested index is unavailable due to compaction",
    "compact 99 is out of bound lastindex(10)",
    "index: nothing is not a whole number",
    "unknown input: x3",
    "there is no node 9",
    "node: x is not a whole number",
    "there is no node 9",
    "voters: 1 2 is not a whole number",
    "node: one is not a whole number",
  ]);
});

test("levels of log lines alone silence nothing, and only a leader has a status", () => {
  const printed = outputs("log-level ERROR", ...elected, "status 2", "status 1");
  expect(printed.slice(-2)).toEqual([
    "ok",
    "1: StateReplicate match=11 next=12\n2: StateReplicate match=11 next=12\n3: StateReplicate match=11 next=12",
  ]);
});

test("reads are printed with the bytes of their context", () => {
  const printed = outputs(...elected, "read-index 1 ab", "stabilize 1 2");
  expect(printed.at(-1)).toMatch(/Ready MustSync=false:\n {2}ReadStates \[\{11 \[97 98\]\}\]$/);
});

test("pages of one entry, even of an empty one", () => {
  const nodes = "add-nodes 1 voters=(1) index=2 max-committed-size-per-ready=1";
  const printed = outputs(nodes, "campaign 1", "process-ready 1", "propose 1 a", "stabilize");
  expect(printed.at(-1)!.match(/CommittedEntries:\n.*$(?:\n {2}\d.*$)?/gm)).toEqual([
    'CommittedEntries:\n  1/3 EntryNormal ""',
    'CommittedEntries:\n  1/4 EntryNormal "a"',
  ]);
});

test("pages of no bytes are pages without a limit", () => {
  const nodes = "add-nodes 1 voters=(1) index=2 max-committed-size-per-ready=0";
  const printed = outputs(nodes, "campaign 1", "stabilize", "propose 1 a", "propose 1 b", "stabilize");
  expect(printed.at(-1)).toContain('CommittedEntries:\n  1/4 EntryNormal "a"\n  1/5 EntryNormal "b"');
});

test("a dead node hears nothing, a partition loses what crosses it, and a stopped clock misses its ticks", () => {
  const down = outputs(
    ...elected,
    "crash 2",
    "raft-state",
    "tick-heartbeat 1",
    "stabilize 1 2",
    "restart 2",
    "restart 2",
  );
  expect(down[4]).toContain("2: down");
  expect(down[6]).toContain("dropped: 1->2 MsgHeartbeat");
  expect(down.at(-1)).toBe("node 2 runs");
  const cut = outputs(
    ...elected,
    "partition (1) (2,3)",
    "tick-heartbeat 1",
    "stabilize 1 2",
    "heal",
    "stabilize",
    "partition 1",
  );
  expect(cut[5]).toContain("dropped: 1->2 MsgHeartbeat");
  expect(cut[7]).toContain("\n  1->3 MsgHeartbeat");
  expect(cut.at(-1)).toBe("1 is not a group, such as (1,2)");
  const clock = outputs(
    ...elected,
    "clock 1 -2",
    "tick-heartbeat 1",
    "tick-heartbeat 1",
    "process-ready 1",
    "tick-heartbeat 1",
    "process-ready 1",
  );
  expect([clock[6], clock[8]]).toEqual(["<empty Ready>", expect.stringContaining("MsgHeartbeat")]);
});

test("disk faults need a disk that can have them", () => {
  const printed = outputs(
    group,
    "disk-fault 1 melt",
    "disk-fault 1 tear",
    "crash 1",
    "disk-fault 1 tear",
    "crash 2 softly",
  );
  expect(printed).toEqual([
    "ok",
    "unknown disk fault: melt",
    "node 1 runs: only a restart finds a torn write",
    "ok",
    "node 1 has written nothing",
    "unknown way to crash: softly",
  ]);
});
