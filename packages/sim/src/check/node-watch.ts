import type { NodeStatus } from "@quorumguard/cluster";
import type { ClusterNode } from "../production.ts";

/** Holds what nodes say about themselves against each other and against true time. */
export interface NodeWatch {
  /** After each event of a node's process. */
  observe(nodeId: number, boot: number, node: ClusterNode): void;
  /** Stamps may jump until the cluster is whole again: a majority has lost its sense of time (SEMANTICS T2). */
  timeBroke(): void;
  readonly violations: readonly string[];
  readonly leaderChanges: number;
  readonly commitIndex: number;
}

interface Last {
  boot: number;
  status: NodeStatus;
}

interface StampSample {
  readonly atUs: number;
  readonly stampUs: number;
  readonly nodeId: number;
  readonly term: number;
}

/** How far a stamp may lag behind by what a heartbeat needs to arrive; it is lost once per change of leader, and never won. */
export interface NodeWatchOptions {
  readonly nowUs: () => number;
  readonly maxLagPerChangeUs: number;
}

const stateNames = ["term", "commitIndex", "appliedIndex"] as const;

/** Makes a watch that has seen nothing yet. */
export function createNodeWatch(options: NodeWatchOptions): NodeWatch {
  const last = new Map<number, Last>();
  const hashes = new Map<number, string>();
  const leaders = new Map<number, number>();
  const violations: string[] = [];
  let leaderChanges = 0;
  let commitIndex = 0;
  let sample: StampSample | null = null;

  /** SEMANTICS T3. Only a leader that has applied an entry of its own term hands stamps out. */
  function checkStamp(nodeId: number, term: number, node: ClusterNode): void {
    const now: StampSample = { atUs: options.nowUs(), stampUs: node.stampUs(), nodeId, term };
    const before = sample;
    if (before === null || now.term > before.term) {
      if (before !== null) compareStamps(before, now, options.maxLagPerChangeUs);
      sample = now;
      return;
    }
    // A deposed leader may not know yet; nothing that it stamps is committed.
    if (now.term < before.term) return;
    compareStamps(before, now, 0);
    // Kept over a stretch, so that a rate is measured and not a rounding.
    if (now.atUs - before.atUs > 200_000) sample = now;
  }

  function compareStamps(before: StampSample, now: StampSample, lagUs: number): void {
    const elapsedUs = now.atUs - before.atUs;
    const gainedUs = now.stampUs - before.stampUs;
    const roundingUs = 2_000;
    const who = `node-${now.nodeId} in term ${now.term}`;
    if (gainedUs > elapsedUs * 1.01 + roundingUs)
      violations.push(`time: ${who} gained ${gainedUs} us of stamp in ${elapsedUs} us`);
    if (gainedUs < elapsedUs * 0.99 - roundingUs - lagUs)
      violations.push(`time: ${who} gained only ${gainedUs} us of stamp in ${elapsedUs} us`);
  }

  function checkHash(nodeId: number, status: NodeStatus): void {
    if (status.appliedIndex === 0) return;
    const known = hashes.get(status.appliedIndex);
    if (known === undefined) hashes.set(status.appliedIndex, status.stateHash);
    else if (known !== status.stateHash)
      violations.push(
        `state machine safety: node-${nodeId} has hash ${status.stateHash} at index ${status.appliedIndex}, another had ${known}`,
      );
  }

  return {
    violations,
    get leaderChanges() {
      return leaderChanges;
    },
    get commitIndex() {
      return commitIndex;
    },
    timeBroke() {
      sample = null;
    },
    observe(nodeId, boot, node) {
      const status = node.status();
      const known = last.get(nodeId);
      const sameLife = known !== undefined && known.boot === boot;
      if (sameLife)
        for (const name of stateNames)
          if (status[name] < known.status[name])
            violations.push(`monotone: ${name} of node-${nodeId} went from ${known.status[name]} to ${status[name]}`);
      if (status.appliedIndex > status.commitIndex)
        violations.push(`node-${nodeId} applied ${status.appliedIndex}, but only ${status.commitIndex} is committed`);
      if (status.role === "leader") {
        const other = leaders.get(status.term);
        if (other === undefined) {
          leaders.set(status.term, nodeId);
          leaderChanges++;
        } else if (other !== nodeId)
          violations.push(`election safety: node-${other} and node-${nodeId} both lead in term ${status.term}`);
        if (node.leads) checkStamp(nodeId, status.term, node);
      }
      if (!sameLife || status.appliedIndex !== known.status.appliedIndex) checkHash(nodeId, status);
      commitIndex = Math.max(commitIndex, status.commitIndex);
      last.set(nodeId, { boot, status });
    },
  };
}
