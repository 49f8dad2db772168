import { assert } from "../assert.ts";
import { RaftLog } from "../log/raft-log.ts";
import type { MutableMessage } from "../message.ts";
import { membershipOf } from "../tracker/membership.ts";
import { Tracker } from "../tracker/tracker.ts";
import {
  type Message,
  MessageType,
  type NodeId,
  noNode,
  type ReadState,
  type StateType,
  type VoteFloor,
} from "../types.ts";
import { isAbstaining, voteFloorOf } from "./abstention.ts";
import type { ResolvedRaftOptions } from "./options.ts";
import { ReadQueue } from "./read-queue.ts";

/**
 * The state of one node, and the few operations that every part of the protocol shares. The rules themselves are functions over
 * it, one file per subject: election, replication, follower, leader, reads, transfer, membership.
 */
export class RaftCore {
  readonly id: NodeId;
  readonly options: ResolvedRaftOptions;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads = new ReadQueue();

  term = 0;
  vote: NodeId = noNode;
  leader: NodeId = noNode;
  state: StateType = "follower";

  /** Ticks since an election timeout began: on a follower, since it last heard of its leader. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn from [n, 2n) for every term, so that split votes do not repeat (thesis §3.4). */
  randomizedElectionTimeout = 0;

  /** The target of a leadership transfer under way; proposals are refused meanwhile. */
  leadTransferee: NodeId = noNode;
  /** No membership change may enter the log before the state machine has applied up to here. */
  pendingConfIndex = 0;
  /** This node lost votes and entries of terms before this one, and may not vote yet (SEMANTICS N2). 0: it lost nothing. */
  abstainsFrom = 0;
  /** Votes go only to logs as up to date as this, our own included: read it by `voteFloorOf`. */
  voteFloor: VoteFloor | null = null;

  /** Bytes that this leader has appended and not yet seen applied. */
  uncommittedBytes = 0;

  /** To send at once. */
  messages: Message[] = [];
  /** To send when everything up to now is durable: acknowledgements and votes, our own included. */
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];

  constructor(options: ResolvedRaftOptions) {
    this.id = options.id;
    this.options = options;
    this.log = new RaftLog(options.storage, options.maxCommittedBytesPerReady);
    this.tracker = new Tracker(options);
    const { hardState, confState } = options.storage.initialState();
    const { log } = this;
    if (hardState.term !== 0 || hardState.commit !== 0) {
      const { commit, term, vote } = hardState;
      const last = log.lastIndex();
      assert(commit <= last, `stored commit ${commit} is beyond the last index ${last}: the end of the log was lost`);
      // A snapshot may be durable before the commit index that allowed it, which is written without a flush.
      log.committed = Math.max(commit, log.committed);
      this.term = term;
      this.vote = vote;
    }
    assert(options.applied <= log.committed, `applied ${options.applied} is beyond commit ${log.committed}`);
    log.appliedTo(Math.max(options.applied, log.applied));
    this.tracker.adopt(membershipOf(confState), log.lastIndex());
    this.drawElectionTimeout();
    this.tracker.resetProgress(this.id, log.lastIndex());
  }

  drawElectionTimeout(): void {
    const { electionTimeoutTicks, random } = this.options;
    this.randomizedElectionTimeout = electionTimeoutTicks + random(electionTimeoutTicks);
  }

  /** Forgets everything that belongs to a term or a role. The vote outlives any change of role within its term. */
  reset(term: number): void {
    if (term !== this.term) {
      assert(term > this.term, `term went back from ${this.term} to ${term}`);
      this.term = term;
      this.vote = noNode;
    }
    this.leader = noNode;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.drawElectionTimeout();
    this.leadTransferee = noNode;
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.reads.reset();
    this.tracker.resetVotes();
    this.tracker.resetProgress(this.id, this.log.lastIndex());
  }

  /** Whether this node may become leader: a voter that has its state machine in place. */
  isPromotable(): boolean {
    const own = this.tracker.get(this.id);
    if (isAbstaining(this) || voteFloorOf(this) !== null) return false;
    return own !== undefined && !own.learner && this.log.unstable.snapshot === null;
  }

  pastElectionTimeout(): boolean {
    return this.electionElapsed >= this.randomizedElectionTimeout;
  }

  /**
   * Queues a message under the current term. Vote requests and answers carry a term of their own choice; forwarded proposals
   * and reads carry none, since they belong to whoever handles them.
   */
  send(message: MutableMessage): void {
    const { type } = message;
    if (message.from === noNode) message.from = this.id;
    switch (type) {
      case MessageType.vote:
      case MessageType.preVote:
      case MessageType.voteResp:
      case MessageType.preVoteResp:
        // A node that never entered a term can still reject: its answer then says nothing, and is ignored.
        assert(message.term > 0 || message.reject, "a vote without a term");
        break;
      case MessageType.prop:
      case MessageType.readIndex:
        break;
      default:
        message.term = this.term;
    }
    switch (type) {
      case MessageType.appResp:
      case MessageType.voteResp:
      case MessageType.preVoteResp:
        // They promise durable state. Rejections promise little, but a term is part of them, so they wait as well.
        this.messagesAfterAppend.push(message);
        return;
      default:
        assert(message.to !== this.id, `message ${type} to itself`);
        this.messages.push(message);
    }
  }
}
