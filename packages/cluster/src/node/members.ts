import type { ConfChange, ConfState, NodeId } from "@quorumguard/raft";
import type { MemberList, MemberRecord } from "../storage/member-record.ts";
import type { Identity } from "../storage/storage.ts";
import { decodeMemberRecords } from "./member-codec.ts";

/** What is asked of the membership when votes and answers are counted. */
export interface Electorate {
  /** Everyone whose vote counts now, ascending; in a joint configuration those of both halves. */
  readonly voters: readonly NodeId[];
  isVoter(nodeId: NodeId): boolean;
  /** Whether those for whom `holds` is true are a quorum: in a joint configuration, of both halves. */
  hasQuorum(holds: (nodeId: NodeId) => boolean): boolean;
}

const nobody: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/**
 * Who belongs to the cluster, as far as this node has applied the log: the one place that quorums, hints, connections and refusals
 * are derived from. It follows the applied configuration, as the core does, and it remembers what a configuration does not
 * hold: addresses, disks, and the largest id that was ever in use (checklist D6).
 */
export class Members implements Electorate {
  readonly #records = new Map<NodeId, MemberRecord>();
  /** Said by the members themselves to this process: newer than what is recorded, and not replicated. */
  readonly #heard = new Map<NodeId, string>();
  /** What this node's operator says: it may take another way to a member than others do. */
  readonly #pinned = new Map<NodeId, string>();
  readonly #listeners = new Set<() => void>();
  #confState: ConfState = nobody;
  #voters: readonly NodeId[] = [];
  #ids: readonly NodeId[] = [];
  #changeIndex = 0;
  #highestId = 0;

  /** Before anything is known but a list: the founders to be, all of them voters. */
  constructor(founders: readonly MemberRecord[]) {
    this.found(founders);
  }

  /** The founders are the members until the log says otherwise. */
  found(founders: readonly MemberRecord[]): void {
    for (const founder of founders) this.#note(founder);
    this.#changeIndex = 0;
    this.#highestId = Math.max(0, ...founders.map(({ nodeId }) => nodeId));
    this.#adopt({ ...nobody, voters: founders.map(({ nodeId }) => nodeId).sort((a, b) => a - b) });
  }

  get confState(): ConfState {
    return this.#confState;
  }

  get voters(): readonly NodeId[] {
    return this.#voters;
  }

  /** All members, learners included, ascending. */
  get ids(): readonly NodeId[] {
    return this.#ids;
  }

  get changeIndex(): number {
    return this.#changeIndex;
  }

  get highestId(): NodeId {
    return this.#highestId;
  }

  /** Two configurations must agree until this ends. */
  get isJoint(): boolean {
    return this.#confState.votersOutgoing.length > 0;
  }

  includes(nodeId: NodeId): boolean {
    return this.#ids.includes(nodeId);
  }

  isVoter(nodeId: NodeId): boolean {
    return this.#voters.includes(nodeId);
  }

  /** Never again a member: ids are not reused. */
  wasRemoved(nodeId: NodeId): boolean {
    return nodeId <= this.#highestId && !this.includes(nodeId);
  }

  hasQuorum(holds: (nodeId: NodeId) => boolean): boolean {
    const { voters, votersOutgoing } = this.#confState;
    return hasMajority(voters, holds) && hasMajority(votersOutgoing, holds);
  }

  /** Where this node dials a member. */
  addressOf(nodeId: NodeId): string {
    return this.#pinned.get(nodeId) ?? this.#advertisedBy(nodeId);
  }

  nonceOf(nodeId: NodeId): string {
    return this.#records.get(nodeId)?.nonce ?? "";
  }

  /** Records of all members, for the log and for peers. */
  get records(): readonly MemberRecord[] {
    return this.#ids.map((nodeId) => {
      const address = this.#advertisedBy(nodeId) || (this.#pinned.get(nodeId) ?? "");
      return { nodeId, address, nonce: this.nonceOf(nodeId) };
    });
  }

  /** What a snapshot keeps beside the configuration. */
  get list(): MemberList {
    return { changeIndex: this.#changeIndex, highestId: this.#highestId, members: this.records };
  }

  /** A peer said where it, or another one, is to be found. */
  heard(nodeId: NodeId, address: string): void {
    if (address !== "") this.#heard.set(nodeId, address);
  }

  /** This node shall dial a member here, whatever anybody says. */
  pin(nodeId: NodeId, address: string): void {
    if (address !== "") this.#pinned.set(nodeId, address);
  }

  /** The entry at `index` changed the membership to `confState`. Repeated after a restart, it changes nothing. */
  applied(index: number, change: ConfChange | null, confState: ConfState): void {
    if (index <= this.#changeIndex) return;
    this.#changeIndex = index;
    for (const record of decodeMemberRecords(change?.context)) this.#note(record);
    this.#adopt(confState);
  }

  /** A snapshot took the place of the log. `list` is absent from those of clusters whose members never changed. */
  restored(index: number, confState: ConfState, list: MemberList | undefined): void {
    const { highestId = 0, members = [] } = list ?? {};
    // What was looked ahead at when it was cut is not in its configuration.
    const changeIndex = Math.min(list?.changeIndex ?? 0, index);
    if (changeIndex < this.#changeIndex) return;
    this.#changeIndex = changeIndex;
    this.#highestId = Math.max(this.#highestId, highestId);
    for (const record of members) this.#note(record);
    this.#adopt(confState);
  }

  /** Calls `listener` whenever the members change. */
  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #advertisedBy(nodeId: NodeId): string {
    return this.#heard.get(nodeId) ?? this.#records.get(nodeId)?.address ?? "";
  }

  /** What is known already is not forgotten for want of news. */
  #note({ nodeId, address, nonce }: MemberRecord): void {
    const known = this.#records.get(nodeId);
    this.#records.set(nodeId, {
      nodeId,
      address: address === "" ? (known?.address ?? "") : address,
      nonce: nonce === "" ? (known?.nonce ?? "") : nonce,
    });
  }

  #adopt(confState: ConfState): void {
    const { voters, votersOutgoing, learners, learnersNext } = confState;
    this.#confState = confState;
    this.#voters = ascending([...voters, ...votersOutgoing]);
    this.#ids = ascending([...this.#voters, ...learners, ...learnersNext]);
    this.#highestId = Math.max(this.#highestId, ...this.#ids);
    for (const nodeId of this.#records.keys()) if (this.wasRemoved(nodeId)) this.#records.delete(nodeId);
    for (const nodeId of this.#heard.keys()) if (this.wasRemoved(nodeId)) this.#heard.delete(nodeId);
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The founders as an identity names them, with whom every log begins. */
export function foundersOf(identity: Identity): MemberRecord[] {
  return identity.founders.map(({ nodeId, nonce }) => ({ nodeId, nonce, address: "" }));
}

function hasMajority(ids: readonly NodeId[], holds: (nodeId: NodeId) => boolean): boolean {
  return ids.length === 0 || 2 * ids.filter(holds).length > ids.length;
}

function ascending(ids: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
