import { encodeConfChange } from "../confchange/codec.ts";
import { createMessage, noBytes } from "../message.ts";
import { type ConfChange, EntryType, MessageType, type NodeId, noNode, type Refusal, type Snapshot } from "../types.ts";
import { describeEntry, describeProgress, stateName } from "./describe.ts";
import { createFaultCommands } from "./fault-commands.ts";
import { describeRefusal, Interaction, type Recipient } from "./interaction.ts";
import {
  argOf,
  firstId,
  flagOf,
  idListOf,
  idsOf,
  listOf,
  numberOf,
  parseNumber,
  plainArgs,
  ScriptError,
} from "./interaction-args.ts";
import { InteractionNode, type InteractionOptions } from "./interaction-node.ts";
import { parseChanges } from "./parse-changes.ts";
import { encodeText } from "./quote.ts";
import type { Directive } from "./script-reader.ts";

const electionTicks = 3;
const unlimited = 2 ** 31 - 1;

type Command = (env: Interaction, directive: Directive) => void;

function report(_env: Interaction, refusal: Refusal | null): void {
  if (refusal !== null) throw new ScriptError(describeRefusal(refusal));
}

/** Nodes without anything but ids; with an index, they start from a snapshot at that index. */
function addNodes(env: Interaction, directive: Directive): void {
  const isBootstrap = ["voters", "learners", "index", "content"].some((key) => listOf(directive, key).length > 0);
  if (isBootstrap && numberOf(directive, "index", 0) <= 1) {
    throw new ScriptError("index must be specified as > 1 due to bootstrap");
  }
  const readOnly = argOf(directive, "read-only") ?? "safe";
  if (readOnly !== "safe" && readOnly !== "lease-based")
    throw new ScriptError(`invalid read-only option "${readOnly}"`);
  if (readOnly === "lease-based" && !flagOf(directive, "checkquorum"))
    throw new ScriptError("CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased");
  const snapshot: Snapshot = {
    index: numberOf(directive, "index", 0),
    term: isBootstrap ? 1 : 0,
    confState: {
      voters: idListOf(directive, "voters"),
      votersOutgoing: [],
      learners: idListOf(directive, "learners"),
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
      // Zero is etcd's default as well: the limit of a message, which has none here.
      maxCommittedBytesPerReady: numberOf(directive, "max-committed-size-per-ready", 0) || unlimited,
      readOnly: readOnly === "safe" ? "safe" : "lease",
      disableConfChangeValidation: flagOf(directive, "disable-conf-change-validation"),
      stepDownOnRemoval: flagOf(directive, "step-down-on-removal"),
      random: (bound) => (env.nodes.length * 7) % bound,
    };
    env.nodes.push(new InteractionNode(options, snapshot));
  }
}

function proposeConfChange(env: Interaction, directive: Directive): void {
  const transition = argOf(directive, "transition") ?? "auto";
  if (transition !== "auto" && transition !== "implicit" && transition !== "explicit") {
    throw new ScriptError(`unknown transition ${transition}`);
  }
  const change: ConfChange = { transition, changes: parseChanges(directive.input), context: noBytes };
  const { raft } = env.node(firstId(directive));
  if (!flagOf(directive, "v1")) {
    report(env, raft.proposeConfChange(change));
    return;
  }
  if (change.changes.length > 1 || transition !== "auto") {
    throw new ScriptError("v1 conf change can only have one operation and no transition");
  }
  const proposal = createMessage(MessageType.prop, noNode);
  proposal.entries = [{ term: 0, index: 0, type: EntryType.confChange, data: encodeConfChange(change) }];
  report(env, raft.step(proposal));
}

function deliverMessages(env: Interaction, directive: Directive): void {
  const recipients: Recipient[] = [];
  for (const { key, values } of directive.args) {
    if (values.length === 0) recipients.push({ id: parseNumber(key, "node"), drop: false });
    else if (key === "drop") recipients.push(...values.map((id) => ({ id: parseNumber(id, "node"), drop: true })));
  }
  if (env.deliver(recipients, argOf(directive, "type")) === 0) env.print("no messages");
}

function stabilize(env: Interaction, directive: Directive): void {
  const ids = idsOf(directive);
  const level = argOf(directive, "log-level");
  env.quietly(env.quiet, () => {
    if (level !== null) setLogLevel(env, level);
    env.stabilize(ids.length > 0 ? ids : env.nodes.map((_, position) => position + 1));
  });
}

/** Levels but the last concern log lines alone, which nothing compares. */
function setLogLevel(env: Interaction, level: string): void {
  const levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];
  if (!levels.includes(level.toUpperCase())) {
    throw new ScriptError(`log levels must be either of [${levels.join(" ")}]`);
  }
  env.quiet = level.toUpperCase() === "NONE";
}

function raftState(env: Interaction): void {
  for (const { raft, up } of env.nodes) {
    const { id, state, term, leader } = raft.status();
    if (!up) {
      env.print(`${id}: down`);
      continue;
    }
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

/** Entries up to `index` are forgotten; the state machine's image takes their place. */
function compact(env: Interaction, directive: Directive): void {
  const [id, index] = idsOf(directive);
  const { storage } = env.node(id!);
  if (index === undefined) throw new ScriptError("index: nothing is not a whole number");
  if (index < storage.firstIndex()) throw new ScriptError("requested index is unavailable due to compaction");
  const last = storage.lastIndex();
  if (index > last) throw new ScriptError(`compact ${index} is out of bound lastindex(${last})`);
  storage.compact(index);
  raftLog(env, id!);
}

/** Only a leader knows of others' progress. */
function status(env: Interaction, id: NodeId): void {
  const { raft } = env.node(id);
  if (raft.softState.state !== "leader") return;
  for (const member of raft.core.tracker.members) env.print(`${member.id}: ${describeProgress(member)}`);
}

function transferLeadership(env: Interaction, directive: Directive): void {
  const [from, to] = [numberOf(directive, "from", 0), numberOf(directive, "to", 0)];
  for (const id of [from, to]) if (id < 1 || id > env.nodes.length) throw new ScriptError(`there is no node ${id}`);
  env.node(from).raft.transferLeader(to);
}

const commands: Readonly<Record<string, Command>> = {
  ...createFaultCommands(report),
  // Where to set a debugger's breakpoint.
  _breakpoint: () => undefined,
  "add-nodes": addNodes,
  campaign: (env, directive) => env.node(firstId(directive)).raft.campaign(),
  compact,
  "deliver-msgs": deliverMessages,
  "forget-leader": (env, directive) => env.node(firstId(directive)).raft.forgetLeader(),
  "log-level": (env, directive) => setLogLevel(env, plainArgs(directive)[0] ?? ""),
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
  status: (env, directive) => status(env, firstId(directive)),
  "tick-election": (env, directive) => env.tick(firstId(directive), electionTicks),
  "tick-heartbeat": (env, directive) => env.tick(firstId(directive), 1),
  "transfer-leadership": transferLeadership,
};

/** A world for one script: runs its commands in turn and returns what each prints. */
export function createInteractionRunner(): (directive: Directive) => string {
  const env = new Interaction();
  return (directive) => {
    const command = commands[directive.command];
    try {
      if (command === undefined) throw new ScriptError("unknown command");
      command(env, directive);
    } catch (error) {
      if (!(error instanceof ScriptError)) {
        // What the command printed before it failed is no output of the next one.
        env.takeOutput();
        throw error;
      }
      // Errors are printed even when the log level silences everything else.
      env.quietly(false, () => env.print(error.message));
    }
    return env.takeOutput();
  };
}
