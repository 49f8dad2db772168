import { type ConfChange, type Entry, EntryType, type NodeId } from "@quorumguard/raft";
import { wholeNumber } from "../whole-number.ts";
import type { Admission, Candidate } from "./admission.ts";
import type { Clock } from "./clock.ts";
import type { Driver, Role } from "./driver.ts";
import { MemberChangeError } from "./member-change-error.ts";
import { encodeMemberRecords } from "./member-codec.ts";
import type { Members } from "./members.ts";
import type { MemberChange } from "./node.ts";
import type { PeerBoard } from "./peer-board.ts";
import type { PeerLinks } from "./peer-links.ts";

/** Entries that a learner may be behind and still be promoted: within moments it is not. */
const maxPromotionLag = 100;
/** How long a newcomer whose address was given has to answer, in milliseconds. */
const lookMs = 2_000;
const maxVoters = 9;
const maxMembers = 16;

/** What changes of the membership are judged by and made with. */
export interface MemberChangesParts {
  readonly nodeId: NodeId;
  readonly driver: Driver;
  readonly members: Members;
  readonly peers: PeerBoard;
  readonly links: PeerLinks;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly electionMs: number;
  /** Hands leadership to the most up-to-date other voter. */
  readonly handOver: () => Promise<{ readonly leaderId: NodeId; readonly term: number }>;
}

interface Pending {
  readonly index: number;
  readonly term: number;
  readonly resolve: () => void;
  readonly reject: (error: MemberChangeError) => void;
}

type Part = ConfChange["changes"][number];

/**
 * Changes of the membership, on the leader (thesis §4): judged against the applied configuration, proposed one at a time (checklist D2),
 * and only by a leader that has applied an entry of its own term (D1).
 */
export class MemberChanges {
  readonly #parts: MemberChangesParts;
  #isBusy = false;
  #pending: Pending | null = null;

  constructor(parts: MemberChangesParts) {
    this.#parts = parts;
  }

  /** Resolves once the change is applied here and, if it went through a joint configuration, that is left. */
  async change(change: MemberChange): Promise<void> {
    this.#requireLeader();
    if (this.#isBusy || this.#parts.members.isJoint) {
      throw this.#refused("another change of the members is under way; ask again when member list shows it done");
    }
    this.#isBusy = true;
    try {
      const confChange = await this.#plan(change);
      this.#requireLeader();
      await this.#propose(confChange);
    } finally {
      this.#isBusy = false;
    }
  }

  /** An entry that is not the state machine's was applied: a change of the members, or nothing. */
  applied(entry: Entry): void {
    const pending = this.#pending;
    if (pending === null || entry.index < pending.index) return;
    if (entry.index === pending.index) {
      if (entry.term !== pending.term)
        this.#settle(this.#refused("another leader's entry took the place of the change"));
      else if (entry.type === EntryType.normal) this.#settle(this.#refused("the core refused the change; ask again"));
    }
    if (this.#pending !== null && !this.#parts.members.isJoint) this.#settle(null);
  }

  roleChanged(now: Role): void {
    if (this.#pending === null || (now.state === "leader" && now.term === this.#pending.term)) return;
    const message = "this node lost leadership while the change was in its log; member list tells whether it was made";
    this.#settle(new MemberChangeError("unknown", message, now.leader, now.term));
  }

  /** This node stops, or is a member no more. */
  stop(): void {
    const { leader, term } = this.#parts.driver.role;
    this.#settle(new MemberChangeError("unknown", "the node stops while the change is in its log", leader, term));
  }

  async #plan(change: MemberChange): Promise<ConfChange> {
    switch (change.kind) {
      case "add":
        return this.#planAdd(change.nodeId, change.address);
      case "promote":
        this.#requirePromotable(change.nodeId);
        return this.#planVoters([{ kind: "addVoter", nodeId: change.nodeId }]);
      case "remove":
        await this.#requireRemovable(change.nodeId);
        return this.#planVoters([{ kind: "remove", nodeId: change.nodeId }]);
      case "replace":
        this.#requireVoter(change.nodeId);
        this.#requirePromotable(change.by);
        await this.#requireRemovable(change.nodeId);
        // One joint change: at no time are there fewer voters, nor one more whose loss would cost the quorum.
        return this.#planVoters([
          { kind: "addVoter", nodeId: change.by },
          { kind: "remove", nodeId: change.nodeId },
        ]);
    }
  }

  async #planAdd(nodeId: NodeId, address: string | undefined): Promise<ConfChange> {
    const { members, links } = this.#parts;
    if (members.includes(nodeId)) throw this.#refused(`node ${nodeId} is a member already`);
    if (members.wasRemoved(nodeId)) {
      const next = `${members.highestId + 1} or larger`;
      throw this.#refused(
        `id ${nodeId} was a member's or is too small for a new one, and ids are not reused; take ${next}`,
      );
    }
    if (members.ids.length >= maxMembers) {
      throw this.#refused(
        `there are ${members.ids.length} members, at most ${maxMembers} are allowed; remove one first`,
      );
    }
    const candidate = await this.#candidate(nodeId, address);
    const record = { nodeId, address: address ?? candidate.address, nonce: candidate.nonce };
    const context = encodeMemberRecords([...members.records, record]);
    if (!this.#parts.driver.leads) links.forget(nodeId);
    return { transition: "auto", changes: [{ kind: "addLearner", nodeId }], context };
  }

  /** The disk that the new id shall stand for is part of the change, so the newcomer has to be heard first. */
  async #candidate(nodeId: NodeId, address: string | undefined): Promise<Candidate> {
    const { admission, links, clock } = this.#parts;
    const known = admission.candidate(nodeId);
    if (known !== undefined) return known;
    if (address === undefined) {
      throw this.#refused(
        `node ${nodeId} has not asked this node to join; if it runs, this leader is not in its --join list: give its peer address with --peer; else start it with --join and --id ${nodeId}`,
      );
    }
    links.look(nodeId, address);
    const found = await new Promise<Candidate | null>((resolve) => {
      const cancel = clock.setTimer(() => finish(null), lookMs);
      const end = admission.onCandidate((candidate) => {
        if (candidate.nodeId === nodeId) finish(candidate);
      });
      const finish = (result: Candidate | null): void => {
        cancel();
        end();
        resolve(result);
      };
    });
    if (found !== null) return found;
    links.forget(nodeId);
    throw this.#refused(
      `node ${nodeId} did not answer at ${address} within ${lookMs} ms; start it there with --join and --id ${nodeId} on an empty folder`,
    );
  }

  #requirePromotable(nodeId: NodeId): void {
    const { driver, members, peers, electionMs } = this.#parts;
    if (members.isVoter(nodeId)) throw this.#refused(`node ${nodeId} is a voter already`);
    if (!members.includes(nodeId)) throw this.#refused(`node ${nodeId} is not a member; add it as a learner first`);
    const progress = driver.raft.status().progress.get(nodeId);
    const lag = driver.raft.commitIndex - (progress?.match ?? 0);
    if (!peers.isAlive(nodeId, 2 * electionMs)) {
      const never = peers.heardMs(nodeId) === null;
      const remedy = `ask again once it has caught up, when member list shows it with lag 0; if it does not run, start it`;
      throw this.#refused(`node ${nodeId} has not been heard of ${never ? "yet" : "lately"}; ${remedy}`);
    }
    if (progress === undefined || progress.state !== "replicate" || lag > maxPromotionLag) {
      const bound = `at most ${maxPromotionLag} are allowed`;
      throw this.#refused(`node ${nodeId} is ${lag} entries behind, ${bound}; ask again once it has caught up`);
    }
    if (members.voters.length >= maxVoters) {
      throw this.#refused(
        `there are ${members.voters.length} voters, at most ${maxVoters} are allowed; remove one first`,
      );
    }
  }

  #requireVoter(nodeId: NodeId): void {
    if (!this.#parts.members.isVoter(nodeId))
      throw this.#refused(`node ${nodeId} is not a voter; there is nothing to replace`);
  }

  /** A leader hands over before it is removed: its followers need not find out by its silence (checklist D5). */
  async #requireRemovable(nodeId: NodeId): Promise<void> {
    const { members, handOver, nodeId: self } = this.#parts;
    if (!members.includes(nodeId)) throw this.#refused(`node ${nodeId} is not a member`);
    if (members.voters.length === 1 && members.isVoter(nodeId)) {
      throw this.#refused(`node ${nodeId} is the last voter; promote another one first`);
    }
    if (nodeId !== self) return;
    const { leaderId, term } = await handOver().catch((error: Error) => {
      throw this.#refused(`this node leads and could not hand over before its removal: ${error.message}`);
    });
    const message = `node ${self} handed leadership to node ${leaderId}, so that it can be removed; ask node ${leaderId}`;
    throw new MemberChangeError("not-leader", message, leaderId, term);
  }

  /** Refuses what would leave a cluster that cannot decide anything, not even to take the change back. */
  #planVoters(changes: readonly Part[]): ConfChange {
    const { members, peers, electionMs } = this.#parts;
    const next = new Set(members.voters);
    for (const { kind, nodeId } of changes) {
      if (kind === "remove") next.delete(nodeId);
      else next.add(nodeId);
    }
    const voters = [...next];
    const silent = voters.filter((voter) => !peers.isAlive(voter, 2 * electionMs));
    if (2 * (voters.length - silent.length) <= voters.length) {
      const left = voters.join(", ");
      throw this.#refused(
        `of the voters ${left} that would be left, ${silent.join(", ")} do not answer, and the others are no quorum; start or remove those first`,
      );
    }
    return { transition: "auto", changes, context: encodeMemberRecords(members.records) };
  }

  #propose(change: ConfChange): Promise<void> {
    const { raft } = this.#parts.driver;
    const refusal = raft.proposeConfChange(change);
    if (refusal !== null) {
      throw this.#refused("this leader takes no proposals now, since it hands over or is too far ahead; ask again");
    }
    return new Promise((resolve, reject) => {
      this.#pending = { index: raft.lastIndex, term: raft.term, resolve, reject };
      this.#parts.driver.wake();
    });
  }

  #settle(error: MemberChangeError | null): void {
    const pending = this.#pending;
    this.#pending = null;
    if (error === null) pending?.resolve();
    else pending?.reject(error);
  }

  #requireLeader(): void {
    const { driver } = this.#parts;
    if (driver.leads) return;
    const { leader, state, term } = driver.role;
    if (state === "leader") throw this.#refused("this leader has not yet applied an entry of its own term; ask again");
    const message = leader === 0 ? "no leader is known" : `node ${leader} leads in term ${term}; ask it`;
    throw new MemberChangeError("not-leader", message, leader, term);
  }

  #refused(message: string): MemberChangeError {
    const { leader, term } = this.#parts.driver.role;
    return new MemberChangeError("refused", message, leader, term);
  }
}

/** @throws {RangeError} naming the field that is not an id. */
export function checkMemberChange(change: MemberChange): void {
  wholeNumber("nodeId", change.nodeId, 1, Number.MAX_SAFE_INTEGER);
  if (change.kind === "replace") wholeNumber("by", change.by, 1, Number.MAX_SAFE_INTEGER);
}
