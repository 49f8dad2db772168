import { decodeConfChange } from "../confchange/codec.ts";
import type { Membership } from "../tracker/membership.ts";
import type { Progress } from "../tracker/progress.ts";
import {
  appendThread,
  applyThread,
  type ConfChangeKind,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  noNode,
  type ReadState,
  type Ready,
  type Snapshot,
  type StateType,
} from "../types.ts";
import { quote } from "./quote.ts";

const capitalized = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
const indented = (text: string): string => text.replaceAll(/^/gm, "  ");

const messageNames = new Map<number, string>(
  Object.entries(MessageType).map(([name, type]) => [type, `Msg${capitalized(name)}`]),
);
const entryNames = {
  [EntryType.normal]: "EntryNormal",
  [EntryType.confChange]: "EntryConfChange",
  [EntryType.confChangeV2]: "EntryConfChangeV2",
};
const changeLetters: Record<ConfChangeKind, string> = { addVoter: "v", addLearner: "l", remove: "r", update: "u" };

/** The scripts' name of a message type. */
export function messageName(type: MessageType): string {
  return messageNames.get(type) ?? `Msg${type}`;
}

/** The scripts' name of a role. */
export function stateName(state: StateType): string {
  return `State${capitalized(state)}`;
}

/** `term/index type content`. */
export function describeEntry(entry: Entry): string {
  const { term, index, type, data } = entry;
  const head = `${term}/${index} ${entryNames[type]}`;
  if (type === EntryType.normal) return `${head} ${quote(data)}`;
  const changes = decodeConfChange(data)?.changes ?? [];
  const text = changes.map(({ kind, nodeId }) => `${changeLetters[kind]}${nodeId}`).join(" ");
  return text === "" ? head : `${head} ${text}`;
}

function describeSnapshot({ index, term, confState }: Snapshot): string {
  const list = (ids: readonly NodeId[]) => `[${ids.join(" ")}]`;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  return (
    `Index:${index} Term:${term} ConfState:Voters:${list(voters)} VotersOutgoing:${list(votersOutgoing)} ` +
    `Learners:${list(learners)} LearnersNext:${list(learnersNext)} AutoLeave:${autoLeave}`
  );
}

function describeTarget(id: NodeId): string {
  if (id === noNode) return "None";
  if (id === appendThread) return "AppendThread";
  return id === applyThread ? "ApplyThread" : id.toString(16);
}

/** One message, over several lines if it carries several entries, a snapshot or responses. */
export function describeMessage(message: Message, withResponses = true): string {
  const { term, logTerm, index, entries, responses } = message;
  let text = `${describeTarget(message.from)}->${describeTarget(message.to)} ${messageName(message.type)}`;
  text += ` Term:${term} Log:${logTerm}/${index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (message.commit !== 0) text += ` Commit:${message.commit}`;
  if (message.vote !== 0) text += ` Vote:${message.vote}`;
  if (entries.length === 1) text += ` Entries:[${describeEntry(entries[0]!)}]`;
  if (entries.length > 1) text += ` Entries:[\n${indented(entries.map(describeEntry).join("\n"))}\n]`;
  if (message.snapshot !== null) text += `\n  Snapshot: ${describeSnapshot(message.snapshot)}`;
  if (withResponses && responses.length > 0) {
    text += ` Responses:[\n${indented(responses.map((response) => describeMessage(response)).join("\n"))}\n]`;
  }
  return text;
}

/** The index, then the bytes of the context. */
function describeReadState({ index, context }: ReadState): string {
  return `{${index} [${context.join(" ")}]}`;
}

/** Everything that a `Ready` asks for. */
export function describeReady(ready: Ready): string {
  const lines: string[] = [];
  const { softState, hardState, readStates, entries, snapshot, committedEntries, messages } = ready;
  if (softState !== null) lines.push(`Lead:${softState.leader} State:${stateName(softState.state)}`);
  if (hardState !== null) {
    const vote = hardState.vote === noNode ? "" : ` Vote:${hardState.vote}`;
    lines.push(`HardState Term:${hardState.term}${vote} Commit:${hardState.commit}`);
  }
  if (readStates.length > 0) lines.push(`ReadStates [${readStates.map(describeReadState).join(" ")}]`);
  if (entries.length > 0) lines.push("Entries:", ...entries.map(describeEntry));
  if (snapshot !== null) lines.push(`Snapshot ${describeSnapshot(snapshot)}`);
  if (committedEntries.length > 0) lines.push("CommittedEntries:", ...committedEntries.map(describeEntry));
  if (messages.length > 0) lines.push("Messages:", ...messages.map((message) => describeMessage(message)));
  return lines.length === 0 ? "<empty Ready>" : [`Ready MustSync=${ready.mustSync}:`, ...lines].join("\n");
}

/** A leader's view of one member. */
export function describeProgress(progress: Progress): string {
  let text = `State${capitalized(progress.state)} match=${progress.match} next=${progress.next}`;
  if (progress.learner) text += " learner";
  if (progress.paused) text += " paused";
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += " inactive";
  if (progress.inflights.count > 0) {
    text += ` inflight=${progress.inflights.count}${progress.inflights.full ? "[full]" : ""}`;
  }
  return text;
}

/** `voters=(1 2)&&(1) learners=(3) learners_next=(2) autoleave`. */
export function describeMembership(membership: Membership): string {
  const list = (ids: readonly NodeId[]) => `(${ids.join(" ")})`;
  let text = `voters=${list(membership.incoming)}`;
  if (membership.outgoing.length > 0) text += `&&${list(membership.outgoing)}`;
  if (membership.learners.length > 0) text += ` learners=${list(membership.learners)}`;
  if (membership.learnersNext.length > 0) text += ` learners_next=${list(membership.learnersNext)}`;
  if (membership.autoLeave) text += " autoleave";
  return text;
}
