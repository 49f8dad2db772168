import type { NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { Clock } from "./clock.ts";
import type { Driver } from "./driver.ts";
import type { Hello } from "./hello-codec.ts";
import type { NodeLog } from "./node-log.ts";

/** Between the campaigns of two survivors, so that they do not split the vote (DESIGN §4). Milliseconds. */
const rankDelayMs = 15;
/** Campaigns after one proof of death; afterwards the ordinary election timeout is left to do it. */
const maxAttempts = 6;

/** What leadership is judged by, and the means to gain it or give it up. */
export interface LeadershipParts {
  readonly nodeId: NodeId;
  readonly voters: readonly NodeId[];
  readonly driver: Driver;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly electionMs: number;
  readonly log: NodeLog;
}

/** Gaining and giving up leadership for reasons that the core cannot see: dead processes, stalled disks, an operator's wish. */
export class Leadership {
  readonly #parts: LeadershipParts;
  #cancelCampaign: () => void = () => {};
  /** Followers that this leader counts for more than they have. */
  readonly #overcounted = new Set<NodeId>();

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#cancelCampaign();
  }

  /** The process behind `peer` is surely dead: its port refuses, or a new process answers in its place (SEMANTICS N4). */
  provenDead(peer: NodeId): void {
    const { driver, nodeId, voters, log } = this.#parts;
    if (driver.role.state === "leader") {
      driver.raft.reportUnreachable(peer);
      driver.wake();
      return;
    }
    if (driver.role.leader !== peer) return;
    log("info", "leader-proven-dead", { leader: peer, term: driver.role.term });
    driver.raft.forgetLeader();
    driver.wake();
    const rank = voters.filter((voter) => voter !== peer).indexOf(nodeId);
    if (rank >= 0) this.#campaignLater(rank * rankDelayMs, 1);
  }

  unreachable(peer: NodeId): void {
    const { driver } = this.#parts;
    if (driver.role.state !== "leader") return;
    driver.raft.reportUnreachable(peer);
    driver.wake();
  }

  /**
   * A follower came back without the end of its log that it had acknowledged (SEMANTICS N2): this leader still counts it for that
   * end, and a core never unlearns a match within a term. Another term begins with none.
   */
  returnedWithLess(hello: Hello): void {
    const { driver, log } = this.#parts;
    if (driver.role.state !== "leader" || !hello.droppedLastFrame) return;
    const progress = driver.raft.status().progress.get(hello.nodeId);
    if (progress === undefined || progress.match <= hello.lastIndex) return;
    log("warn", "follower-lost-acknowledged-tail", {
      follower: hello.nodeId,
      match: progress.match,
      lastIndex: hello.lastIndex,
    });
    this.#overcounted.add(hello.nodeId);
    this.handOver(hello.nodeId);
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
    const { driver, nodeId, voters } = this.#parts;
    const { progress } = driver.raft.status();
    let best: NodeId = 0;
    let bestMatch = -1;
    for (const voter of voters) {
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
   * durable here. Three nodes on one slow disk must not abdicate in circles (DESIGN §5).
   */
  ticked(): void {
    this.#handOverOvercounted();
    const { driver, storage, electionMs, voters, log } = this.#parts;
    if (driver.role.state !== "leader" || storage.stats.flushingForMs <= electionMs) return;
    const status = driver.raft.status();
    if (status.leadTransferee !== 0) return;
    let ahead = 0;
    for (const voter of voters)
      if ((status.progress.get(voter)?.match ?? 0) > driver.durableIndex && voter !== status.id) ahead++;
    if (ahead < Math.floor(voters.length / 2)) return;
    log("warn", "flush-stalled", { flushingForMs: storage.stats.flushingForMs, electionMs });
    this.handOver();
  }

  /** The first attempt may have found nobody to hand over to; without another the follower would be refused for the whole term. */
  #handOverOvercounted(): void {
    const { raft, role } = this.#parts.driver;
    if (this.#overcounted.size === 0) return;
    if (role.state !== "leader") this.#overcounted.clear();
    else if (raft.status().leadTransferee === 0)
      for (const follower of this.#overcounted) if (this.handOver(follower)) break;
  }

  #campaignLater(delayMs: number, attempt: number): void {
    const { clock, voters } = this.#parts;
    this.#cancelCampaign();
    this.#cancelCampaign = clock.setTimer(() => {
      const { driver } = this.#parts;
      const { leader, state } = driver.raft.softState;
      // A candidate of a real election waits for its answers: campaigning again would only raise the term.
      if (leader !== 0 || state === "leader") return;
      if (state !== "candidate" && driver.mayLead) {
        driver.raft.campaign();
        driver.wake();
      }
      if (attempt < maxAttempts) this.#campaignLater(rankDelayMs * voters.length, attempt + 1);
    }, delayMs);
  }
}
