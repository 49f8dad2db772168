import { encodeConfChange } from "../confchange/codec.ts";
import { createMessage, noBytes } from "../message.ts";
import { type ConfChange, EntryType, MessageType, type NodeId, noNode, type Refusal, type Snapshot } from "../types.ts";
import { describeEntry, describeProgress, stateName } from "./describe.ts";
import { describeRefusal, Interaction, type Recipient } from "./interaction.ts";
import { createInteractionNode, type InteractionOptions } from "./interaction-node.ts";
import { parseChanges } from "./parse-changes.ts";
import type { Directive } from "./script-reader.ts";

const electionTicks = 3;
const unlimited = 2 ** 31 - 1;

type Command = (env: Interaction, directive: Directive) => void;

const encodeText = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const plainArgs = (directive: Directive): readonly string[] =>
  directive.args.filter((arg) => arg.values.length === 0).map((arg) => arg.key);
const firstId = (directive: Directive): NodeId => Number(plainArgs(directive)[0]);
const idsOf = (directive: Directive): readonly NodeId[] => plainArgs(directive).map(Number);
const listOf = (directive: Directive, key: string): readonly string[] =>
  directive.args.find((arg) => arg.key === key)?.values ?? [];
const argOf = (directive: Directive, key: string): string | null => listOf(directive, key)[0] ?? null;
const numberOf = (directive: Directive, key: string, otherwise: number): number =>
  Number(argOf(directive, key) ?? otherwise);
const flagOf = (directive: Directive, key: string): boolean => argOf(directive, key) === "true";

function report(env: Interaction, refusal: Refusal | null): void {
  if (refusal === null) return;
  // Errors are printed even when the log level silences everything else.
  const { quiet } = env;
  env.quiet = false;
  env.print(describeRefusal(refusal));
  env.quiet = quiet;
}

/** Nodes without anything but ids; with an index, they start from a snapshot at that index. */
function addNodes(env: Interaction, directive: Directive): void {
  const snapshot: Snapshot = {
    index: numberOf(directive, "index", 0),
    term: directive.args.some((arg) => arg.key === "index") ? 1 : 0,
    confState: {
      voters: listOf(directive, "voters").map(Number),
      votersOutgoing: [],
      learners: listOf(directive, "learners").map(Number),
      learnersNext: [],
      autoLeave: false,
    },
    data: encodeText(argOf(directive, "content") ?? ""),
  };
  for (let count = firstId(directive); count > 0; count--) {
    const options: InteractionOptions = {
      id: env.nodes.length + 1,
      electionTimeoutTicks: electionTicks,
      heartbeatTicks: 1,
      asyncStorageWrites: flagOf(directive, "async-storage-writes"),
      preVote: flagOf(directive, "prevote"),
      checkQuorum: flagOf(directive, "checkquorum"),
      maxBytesPerMessage: unlimited,
      maxInflightMessages: numberOf(directive, "inflight", unlimited),
      maxInflightBytes: unlimited,
      maxCommittedBytesPerReady: numberOf(directive, "max-committed-size-per-ready", unlimited),
      readOnly: argOf(directive, "read-only") === "lease-based" ? "lease" : "safe",
      disableConfChangeValidation: flagOf(directive, "disable-conf-change-validation"),
      stepDownOnRemoval: flagOf(directive, "step-down-on-removal"),
      random: (bound) => (env.nodes.length * 7) % bound,
    };
    env.nodes.push(createInteractionNode(options, snapshot));
  }
}

function proposeConfChange(env: Interaction, directive: Directive): void {
  const transition = (argOf(directive, "transition") ?? "auto") as ConfChange["transition"];
  const change: ConfChange = { transition, changes: parseChanges(directive.input), context: noBytes };
  const { raft } = env.node(firstId(directive));
  if (!flagOf(directive, "v1")) {
    report(env, raft.proposeConfChange(change));
    return;
  }
  const proposal = createMessage(MessageType.prop, noNode);
  proposal.entries = [{ term: 0, index: 0, type: EntryType.confChange, data: encodeConfChange(change) }];
  report(env, raft.step(proposal));
}

function deliverMessages(env: Interaction, directive: Directive): void {
  const recipients: Recipient[] = [];
  for (const { key, values } of directive.args) {
    if (values.length === 0) recipients.push({ id: Number(key), drop: false });
    else if (key === "drop") recipients.push(...values.map((id) => ({ id: Number(id), drop: true })));
  }
  if (env.deliver(recipients, argOf(directive, "type")) === 0) env.print("no messages");
}

function stabilize(env: Interaction, directive: Directive): void {
  const ids = idsOf(directive);
  const { quiet } = env;
  if (argOf(directive, "log-level") === "none") env.quiet = true;
  env.stabilize(ids.length > 0 ? ids : env.nodes.map((_, position) => position + 1));
  env.quiet = quiet;
}

function raftState(env: Interaction): void {
  for (const { raft } of env.nodes) {
    const { id, state, term, leader } = raft.status();
    const role = raft.core.tracker.isVoter(id) ? "Voter" : "Non-Voter";
    env.print(`${id}: ${stateName(state)} (${role}) Term:${term} Lead:${leader}`);
  }
}

function raftLog(env: Interaction, id: NodeId): void {
  const { storage } = env.node(id);
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  const entries = storage.entries(first, last + 1, unlimited);
  if (typeof entries === "string" || entries.length === 0) {
    env.print(`log is empty: first index=${first}, last index=${last}`);
    return;
  }
  for (const entry of entries) env.print(describeEntry(entry));
}

function tick(env: Interaction, directive: Directive, ticks: number): void {
  for (let count = 0; count < ticks; count++) env.node(firstId(directive)).raft.tick();
}

const commands: Readonly<Record<string, Command>> = {
  "add-nodes": addNodes,
  campaign: (env, directive) => env.node(firstId(directive)).raft.campaign(),
  compact: (env, directive) => {
    const [id, index] = idsOf(directive);
    env.node(id!).storage.compact(index!);
    raftLog(env, id!);
  },
  "deliver-msgs": deliverMessages,
  "forget-leader": (env, directive) => env.node(firstId(directive)).raft.forgetLeader(),
  "log-level": (env, directive) => {
    env.quiet = plainArgs(directive)[0] === "none";
  },
  "process-append-thread": (env, directive) =>
    env.each(idsOf(directive), "processing append thread", (id) => env.processAppend(id)),
  "process-apply-thread": (env, directive) =>
    env.each(idsOf(directive), "processing apply thread", (id) => env.processApply(id)),
  "process-ready": (env, directive) => env.each(idsOf(directive), "handling Ready", (id) => env.processReady(id)),
  propose: (env, directive) =>
    report(env, env.node(firstId(directive)).raft.propose([encodeText(plainArgs(directive)[1] ?? "")])),
  "propose-conf-change": proposeConfChange,
  "raft-log": (env, directive) => raftLog(env, firstId(directive)),
  "raft-state": raftState,
  "report-unreachable": (env, directive) => {
    const [id, peer] = idsOf(directive);
    env.node(id!).raft.reportUnreachable(peer!);
  },
  "send-snapshot": (env, directive) => {
    const [from, to] = idsOf(directive);
    env.sendSnapshot(from!, to!);
  },
  "set-randomized-election-timeout": (env, directive) => {
    env.node(firstId(directive)).raft.core.randomizedElectionTimeout = numberOf(directive, "timeout", electionTicks);
  },
  stabilize,
  status: (env, directive) => {
    for (const member of env.node(firstId(directive)).raft.core.tracker.members) {
      env.print(`${member.id}: ${describeProgress(member)}`);
    }
  },
  "tick-election": (env, directive) => tick(env, directive, electionTicks),
  "tick-heartbeat": (env, directive) => tick(env, directive, 1),
  "transfer-leadership": (env, directive) =>
    env.node(numberOf(directive, "from", 0)).raft.transferLeader(numberOf(directive, "to", 0)),
};

/** A world for one script: runs its commands in turn and returns what each prints. */
export function createInteractionRunner(): (directive: Directive) => string {
  const env = new Interaction();
  return (directive) => {
    const command = commands[directive.command];
    if (command === undefined) throw new Error(`line ${directive.line}: unknown command ${directive.command}`);
    command(env, directive);
    return env.takeOutput();
  };
}
