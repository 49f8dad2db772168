import { type Entry, type Message, MessageType, type NodeId, noNode, type Snapshot } from "./types.ts";

/** A message under construction: every field is present from the start, so that all messages share one shape. */
export type MutableMessage = { -readonly [Field in keyof Message]: Message[Field] };

/** Shared empty lists, so that an idle turn allocates none. Frozen: nobody may push to them. */
export const noEntries: readonly Entry[] = Object.freeze([]);
export const noMessages: readonly Message[] = Object.freeze([]);
export const noBytes: Uint8Array = new Uint8Array(0);

/** A message with nothing but its type and addressee. */
export function createMessage(type: MessageType, to: NodeId): MutableMessage {
  return {
    type,
    to,
    from: noNode,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: noEntries,
    commit: 0,
    vote: noNode,
    reject: false,
    rejectHint: 0,
    context: null,
    snapshot: null as Snapshot | null,
    responses: noMessages,
  };
}

/**
 * Marks a vote request that a leader itself asked for by a transfer: voters grant it although they still hear that leader.
 * The text is what the reference protocol puts there.
 */
export const transferContext: Uint8Array = Uint8Array.from("CampaignTransfer", (letter) => letter.charCodeAt(0));

/** Whether a vote request stems from a leadership transfer. */
export function isTransferContext(context: Uint8Array | null): boolean {
  if (context === null || context.length !== transferContext.length) return false;
  return context.every((byte, position) => byte === transferContext[position]);
}

/** Storage answers under ids below zero: its messages never come from the network. */
export function isStorageThread(id: NodeId): boolean {
  return id < 0;
}

/** Messages that only the node itself, or its storage, may hand to its core. */
export function isLocalMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.hup:
    case MessageType.beat:
    case MessageType.unreachable:
    case MessageType.snapStatus:
    case MessageType.checkQuorum:
    case MessageType.forgetLeader:
    case MessageType.storageAppend:
    case MessageType.storageAppendResp:
    case MessageType.storageApply:
    case MessageType.storageApplyResp:
      return true;
    default:
      return false;
  }
}

/** Answers: worth nothing from a node that is not, or no longer, a member. */
export function isResponseMessage(type: MessageType): boolean {
  switch (type) {
    case MessageType.appResp:
    case MessageType.voteResp:
    case MessageType.preVoteResp:
    case MessageType.heartbeatResp:
    case MessageType.unreachable:
    case MessageType.readIndexResp:
    case MessageType.storageAppendResp:
    case MessageType.storageApplyResp:
      return true;
    default:
      return false;
  }
}
