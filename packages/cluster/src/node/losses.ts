import type { Message, NodeId } from "@quorumguard/raft";
import type { Storage } from "../storage/storage.ts";
import type { PeerTransport } from "../transport/peer-transport.ts";
import type { Clock } from "./clock.ts";
import { conflictProblem, HelloJudge, lostTerm, saysConflict } from "./hello-judge.ts";
import type { Members } from "./members.ts";
import type { NodeLog } from "./node-log.ts";
import type { PeerBoard } from "./peer-board.ts";
import type { PeerLinks } from "./peer-links.ts";
import type { ProofOfLoss } from "./proof-of-loss.ts";

/** What is done about a loss with. */
export interface LossesParts {
  readonly nodeId: NodeId;
  readonly members: Members;
  readonly peers: PeerBoard;
  readonly clock: Clock;
  readonly links: PeerLinks;
  readonly transport: PeerTransport;
  readonly log: NodeLog;
  readonly storage: () => Storage;
  /** Ends all that this node says. */
  readonly silence: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * What a node does when it turns out that a disk lost what was acknowledged. If it was its own, it notes that, stops, and abstains from
 * its next start on (SEMANTICS N2). If the cluster has gone on without what this node knows to be committed, only an operator can tell
 * which is right: the node stops and says so, since it would otherwise wait beside the others for ever.
 */
export class Losses {
  /** Turns away whose disk is not what it was. */
  readonly judge: HelloJudge;
  readonly #parts: LossesParts;
  #isOver = false;

  constructor(parts: LossesParts) {
    this.#parts = parts;
    this.judge = new HelloJudge({ ...parts, refused: (reason) => parts.failed(new Error(reason)) });
  }

  /** A message proves it. */
  proven({ from, term }: Message, { kind, index }: ProofOfLoss): void {
    const { nodeId, storage, failed, silence } = this.#parts;
    if (kind === "surpassed") {
      this.#turnAway(from, index);
    } else if (kind === "end") {
      const problem = `node ${nodeId} acknowledged the log up to index ${index} to node ${from}, and its log ends at ${storage().lastIndex()}: the disk lost what it had flushed, without a trace; start the node again: it does not vote before the others have told what it may lack`;
      this.#lostOwn(term, problem);
    } else {
      silence();
      const commit = storage().initialState().hardState.commit;
      failed(new Error(conflictProblem(nodeId, from, Math.max(commit, index), `others are at index ${index}`)));
    }
  }

  /** A peer turned this node away. @returns whether that was about its disk, and it stops. */
  refusedFor(reason: string): boolean {
    const term = lostTerm(reason);
    if (term !== null) this.#lostOwn(term, reason);
    else if (saysConflict(reason)) this.#parts.failed(new Error(reason));
    return term !== null || saysConflict(reason);
  }

  #lostOwn(term: number, problem: string): void {
    const { silence, storage, failed } = this.#parts;
    if (this.#isOver) return;
    this.#isOver = true;
    silence();
    storage()
      .noteLostEnd(term)
      .then(() => failed(new Error(problem)), failed);
  }

  /** Its acknowledgements would count one day, when this log has grown as far: it has to say hello again, and is told then. */
  #turnAway(from: NodeId, index: number): void {
    const { nodeId, links, transport, log, storage } = this.#parts;
    const what = `none is beyond index ${storage().lastIndex()}`;
    const reason = this.judge.contradicted(from, conflictProblem(from, nodeId, index, what));
    log("error", "acknowledged-entries-lost", { from, reason });
    transport.removePeer(from);
    links.meet(from);
  }
}
