import { expect, test } from "vitest";
import { Interaction } from "./interaction.ts";
import { createInteractionRunner } from "./interaction-commands.ts";
import { InteractionNode } from "./interaction-node.ts";
import { createConfChangeRunner, runQuorumDirective } from "./pure-scripts.ts";
import { type Directive, readScript, withoutLogLines } from "./script-reader.ts";

/** Runs a script and returns what it printed instead of what it expects. */
function actualOf(text: string, run: (directive: Directive) => string): readonly string[] {
  return readScript(text).map((directive) => withoutLogLines(run(directive)));
}

function expectMatch(text: string, run: (directive: Directive) => string): void {
  const expected = readScript(text).map((directive) => withoutLogLines(directive.expected));
  expect(actualOf(text, run)).toEqual(expected);
}

test("the reader knows comments, continued lines, lists, input and output with blank lines", () => {
  const [first, second] = readScript(
    [
      "# comment",
      "",
      "add 3 voters=(1, 2) \\",
      "  flag= x=y",
      "v1",
      "v2",
      "----",
      "----",
      "a",
      "",
      "b",
      "----",
      "----",
      "",
      "z",
      "----",
      "ok",
    ].join("\n"),
  );
  expect(first).toMatchObject({
    command: "add",
    args: [
      { key: "3", values: [] },
      { key: "voters", values: ["1", "2"] },
      { key: "flag", values: [""] },
      { key: "x", values: ["y"] },
    ],
    input: "v1\nv2",
    expected: "a\n\nb",
  });
  expect(second).toMatchObject({ command: "z", expected: "ok" });
  expect(() => readScript("lonely")).toThrow(/line 1: lonely/);
});

test("log lines are no part of what is compared", () => {
  expect(withoutLogLines("INFO a\n  DEBUG b\nkept\nWARN c")).toBe("kept");
  expect(withoutLogLines("INFO a")).toBe("ok");
});

test("a leader replicates while it flushes, and two writes can be under way", () => {
  expectMatch(
    `
log-level none
----
ok

add-nodes 2 voters=(1,2) index=10 async-storage-writes=true
----
ok

campaign 1
----
ok

stabilize
----
ok

propose 1 a
----
ok

log-level info
----
ok

process-ready 1
----
Ready MustSync=true:
Entries:
1/12 EntryNormal "a"
Messages:
1->2 MsgApp Term:1 Log:1/11 Commit:11 Entries:[1/12 EntryNormal "a"]
1->AppendThread MsgStorageAppend Term:0 Log:0/0 Entries:[1/12 EntryNormal "a"] Responses:[
  1->1 MsgAppResp Term:1 Log:0/12
  AppendThread->1 MsgStorageAppendResp Term:1 Log:1/12
]

deliver-msgs 2
----
1->2 MsgApp Term:1 Log:1/11 Commit:11 Entries:[1/12 EntryNormal "a"]

stabilize 2
----
> 2 handling Ready
  Ready MustSync=true:
  Entries:
  1/12 EntryNormal "a"
  Messages:
  2->AppendThread MsgStorageAppend Term:0 Log:0/0 Entries:[1/12 EntryNormal "a"] Responses:[
    2->1 MsgAppResp Term:1 Log:0/12
    AppendThread->2 MsgStorageAppendResp Term:1 Log:1/12
  ]
> 2 processing append thread
  Processing:
  2->AppendThread MsgStorageAppend Term:0 Log:0/0 Entries:[1/12 EntryNormal "a"]
  Responses:
  2->1 MsgAppResp Term:1 Log:0/12
  AppendThread->2 MsgStorageAppendResp Term:1 Log:1/12
> 2 receiving messages
  AppendThread->2 MsgStorageAppendResp Term:1 Log:1/12

deliver-msgs 1 type=MsgAppResp
----
2->1 MsgAppResp Term:1 Log:0/12

status 1
----
1: StateReplicate match=11 next=12
2: StateReplicate match=12 next=13
`,
    createInteractionRunner(),
  );
});

test("a heartbeat response ends probing, and a lost snapshot report does not wedge a member", () => {
  expectMatch(
    `
log-level none
----
ok

add-nodes 3 voters=(1,2,3) index=10
----
ok

campaign 1
----
ok

stabilize
----
ok

report-unreachable 1 2
----
ok

log-level info
----
ok

status 1
----
1: StateReplicate match=11 next=12
2: StateProbe match=11 next=12
3: StateReplicate match=11 next=12

tick-heartbeat 1
----
ok

stabilize log-level=none
----
ok

status 1
----
1: StateReplicate match=11 next=12
2: StateReplicate match=11 next=12
3: StateReplicate match=11 next=12
`,
    createInteractionRunner(),
  );
});

test("a difference shows", () => {
  const run = createInteractionRunner();
  const text = "add-nodes 1 voters=(1) index=3\n----\nok\n\nraft-state\n----\n1: StateLeader (Voter) Term:1 Lead:1\n";
  expect(actualOf(text, run)).toEqual(["ok", "1: StateFollower (Voter) Term:0 Lead:0"]);
});

test("quorums and membership changes have scripts of their own", () => {
  expectMatch(
    "committed cfg=(1,2) cfgj=(2) idx=(50,100)\n----\n      idx\n>      50    (id=1)\nx>    100    (id=2)\n50\n",
    runQuorumDirective,
  );
  expectMatch("vote cfg=(1,2) cfgj=(2,3) votes=(y,y,_)\n----\nVotePending\n", runQuorumDirective);
  expectMatch("committed\n----\n<empty majority quorum>∞\n", runQuorumDirective);
  expectMatch(
    "simple\nv1\n----\nvoters=(1)\n1: StateProbe match=0 next=1\n\nsimple\nr1\n----\nremoved all voters\n",
    createConfChangeRunner(),
  );
});

test("a group that never comes to rest ends its command with an error, and the next command prints only its own output", () => {
  const world = new Interaction();
  const options = {
    id: 1,
    electionTimeoutTicks: 3,
    heartbeatTicks: 1,
    asyncStorageWrites: false,
    preVote: false,
    checkQuorum: false,
    maxBytesPerMessage: 1_000,
    maxInflightMessages: 10,
    random: () => 0,
  };
  const confState = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const node = new InteractionNode(options, { index: 3, term: 1, confState, data: new Uint8Array(0) });
  world.nodes.push(node);
  // A node that finds something to do in whatever it has done.
  node.apply = () => node.raft.readIndex(new Uint8Array(1)) ?? node.raft.propose([new Uint8Array(1)]);
  node.raft.campaign();
  expect(() => world.stabilize([1])).toThrow(/stabilize does not come to rest: still at work after 10000 rounds/);
  expect(world.takeOutput().split("\n").length).toBeLessThanOrEqual(100);
  expect(world.takeOutput()).toBe("ok");
});

test("what a command printed before it crashed is no output of the next one", () => {
  const run = createInteractionRunner();
  const [add, wrong, log] = readScript(
    "add-nodes 1 voters=(1) index=3\n----\n\nadd-nodes 1 inflight=0\n----\n\nlog-level info\n----\n",
  ) as readonly [Directive, Directive, Directive];
  run(add);
  expect(() => run(wrong)).toThrow(/maxInflightMessages: 0/);
  expect(run(log)).toBe("ok");
});
