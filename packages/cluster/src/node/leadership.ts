import { createMessage, type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { Electorate } from "./members.ts";
import type { NodeLog } from "./node-log.ts";
import type { PeerBoard } from "./peer-board.ts";
import { Succession } from "./succession.ts";

/** What leadership is judged by, and the means to gain it or give it up. */
export interface LeadershipParts {
  readonly nodeId: NodeId;
  readonly electorate: Electorate;
  readonly driver: Driver;
  readonly peers: PeerBoard;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly electionMs: number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: NodeLog;
}

/** Gaining and giving up leadership for reasons that the core cannot see: dead processes, stalled disks, an operator's wish. */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #succession: Succession;
  /** Since when followers have had more on their disks; null: they have not. */
  #overtakenSinceMs: number | null = null;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#succession = new Succession(parts);
  }

  stop(): void {
    this.#succession.stop();
  }

  /** Whether a peer's message is an answer that nobody waits for any more. */
  ignores(message: Message): boolean {
    return this.#succession.ignores(message);
  }

  /** A peer asked for a vote or a pre-vote. */
  asked(request: Message): void {
    this.#succession.asked(request);
  }

  /** The process behind `peer` is surely dead: its port refuses, or a new process answers in its place (SEMANTICS N4). */
  provenDead(peer: NodeId): void {
    const { driver, log } = this.#parts;
    if (driver.role.state === "leader") {
      driver.raft.reportUnreachable(peer);
      driver.wake();
      return;
    }
    if (driver.role.leader !== peer) return;
    log("info", "leader-proven-dead", { leader: peer, term: driver.role.term });
    driver.raft.forgetLeader();
    driver.wake();
    this.#succession.begin(peer);
  }

  unreachable(peer: NodeId): void {
    const { driver } = this.#parts;
    if (driver.role.state !== "leader") return;
    driver.raft.reportUnreachable(peer);
    driver.wake();
  }

  /**
   * A node that lost the end of its log returned in a later term (SEMANTICS N2). Nobody stands for election there, and this node
   * has just led: it stands at once, and the others need not be asked whether their leader is dead, since that is this node.
   */
  deposed(from: NodeId): void {
    const { driver, nodeId, peers, log } = this.#parts;
    const { term } = driver.raft;
    const hello = peers.get(from)?.hello;
    // Whoever follows another leader says a later term than the one it returned with: that leader is not to be disturbed.
    if (hello?.droppedLastFrame !== true || hello.term !== term) return;
    log("info", "deposed-by-return", { node: from, term });
    // What a leader says to the one that is to succeed it, a node may say to itself.
    driver.receiveMessage({ ...createMessage(MessageType.timeoutNow, nodeId), from: nodeId, term });
  }

  /** Gives leadership to the most up-to-date voter but `except`. False if there is none. */
  handOver(except: NodeId = 0): boolean {
    const target = this.best(except);
    if (target === 0) return false;
    this.#parts.driver.raft.transferLeader(target);
    this.#parts.driver.wake();
    return true;
  }

  /** The voter whose log reaches furthest among those that were heard of lately; 0: none. */
  best(except: NodeId = 0): NodeId {
    const { driver, nodeId, electorate } = this.#parts;
    const { progress } = driver.raft.status();
    let best: NodeId = 0;
    let bestMatch = -1;
    for (const voter of electorate.voters) {
      if (voter === nodeId || voter === except) continue;
      const known = progress.get(voter);
      if (known === undefined || known.learner || !known.recentActive || known.match <= bestMatch) continue;
      best = voter;
      bestMatch = known.match;
    }
    return best;
  }

  /**
   * A disk that takes longer than an election to flush: hand over, but only while followers acknowledge newer entries than are
   * durable here. Three nodes on one slow disk must not abdicate in circles (DESIGN §5), and disks that stall together do not
   * resume at one instant: a follower may be the first.
   */
  ticked(): void {
    const { driver, storage, clock, electionMs, log } = this.#parts;
    const { flushingForMs } = storage.stats;
    if (driver.role.state !== "leader" || flushingForMs <= electionMs / 2 || !this.#isOvertaken()) {
      this.#overtakenSinceMs = null;
      return;
    }
    const nowMs = clock.monotonicMs();
    this.#overtakenSinceMs ??= nowMs;
    if (flushingForMs <= electionMs || nowMs - this.#overtakenSinceMs < electionMs / 4) return;
    const to = this.best();
    if (to === 0) return;
    log("warn", "flush-stalled", { flushingForMs, electionMs, to });
    this.handOver();
  }

  /** Whether followers that with this node make a quorum have more on their disks than it has on its own; not while it hands over. */
  #isOvertaken(): boolean {
    const { driver, electorate } = this.#parts;
    const { voters } = electorate;
    const { id, progress, leadTransferee } = driver.raft.status();
    if (leadTransferee !== 0) return false;
    const isAhead = (voter: NodeId) => voter !== id && (progress.get(voter)?.match ?? 0) > driver.durableIndex;
    const ahead = voters.filter(isAhead).length;
    // Of one voter no half is any: it has nobody to hand over to.
    return ahead > 0 && ahead >= Math.floor(voters.length / 2);
  }
}
