import {
  type CallBatch,
  type CallOrigin,
  type Operation,
  type OperationResult,
  type Rule,
  singleCall,
} from "@quorumguard/limiter";
import type { Driver } from "./driver.ts";
import { invalidArgument, notLeader, overloaded, unavailable } from "./failures.ts";
import { FastPath } from "./fast-path.ts";
import { maxAnswerBytes } from "./forward-codec.ts";
import type { Forwarder } from "./forwarder.ts";
import type { CallSink, DecisionFacts, NodeFailure, SubmitOptions } from "./node.ts";
import type { ResolvedNodeOptions } from "./node-options.ts";
import type { PeerBoard } from "./peer-board.ts";
import type { Proposals } from "./proposals.ts";
import type { StampClock } from "./stamp-clock.ts";

/** What the desk works with. */
export interface CallDeskParts {
  readonly driver: Driver;
  readonly proposals: Proposals;
  readonly forwarder: Forwarder;
  readonly peers: PeerBoard;
  readonly stamp: StampClock;
  readonly options: Pick<ResolvedNodeOptions, "electionMs" | "maxPendingItems" | "answer" | "watch">;
}

/** Where calls come in: judged here, proposed, forwarded to the leader, or refused. */
export class CallDesk {
  readonly #parts: CallDeskParts;
  readonly #fastPath = new FastPath();
  #closed = false;

  constructor(parts: CallDeskParts) {
    this.#parts = parts;
  }

  /** From now on nothing new is proposed here; what a leader elsewhere can decide is still forwarded. */
  close(): void {
    this.#closed = true;
  }

  submit(origin: CallOrigin, batch: CallBatch, options: SubmitOptions, sink: CallSink): void {
    const { driver, forwarder } = this.#parts;
    if (batch.calls === 0) return;
    const refusal = this.#refusal(options, batch.items);
    if (refusal !== null) {
      sink.failed(0, batch.calls, refusal);
    } else if (driver.role.state === "leader") {
      this.#decide(origin, batch, options, sink);
    } else {
      forwarder.calls(driver.role.leader, "calls", origin, batch, options, sink);
    }
  }

  operate(
    operation: Exclude<Operation, { kind: "calls" }>,
    options: SubmitOptions,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void {
    const { driver, proposals, forwarder } = this.#parts;
    const refusal = this.#refusal(options, 1);
    if (refusal !== null) {
      done(refusal);
    } else if (driver.role.state === "leader") {
      proposals.addOperation(operation, done);
      driver.wake();
    } else {
      forwarder.operation(driver.role.leader, operation, options, done);
    }
  }

  peek(namespace: string, rule: Rule, key: Uint8Array, cost: number, options: SubmitOptions, sink: CallSink): void {
    const { driver, stamp, forwarder } = this.#parts;
    const refusal = this.#refusal(options, 1);
    if (refusal !== null) {
      sink.failed(0, 1, refusal);
    } else if (driver.role.state !== "leader") {
      const batch = singleCall(rule, key, cost);
      forwarder.calls(driver.role.leader, "peek", { kind: "anonymous", namespace }, batch, options, sink);
    } else if (!this.#knowsNow()) {
      sink.failed(0, 1, unavailable("this leader has not yet heard from a quorum", 0, driver.role.term));
    } else {
      const stampUs = stamp.nowUs();
      const results = driver.limiter.peek(namespace, rule, key, cost, stampUs);
      sink.decided(0, 1, results, 0, factsOf(driver, stampUs));
    }
  }

  ask(question: Uint8Array, options: SubmitOptions, answered: (answer: Uint8Array | NodeFailure) => void): void {
    const { driver, stamp, forwarder, options: own } = this.#parts;
    const refusal = this.#refusal(options, 1);
    if (refusal !== null) {
      answered(refusal);
    } else if (driver.role.state !== "leader") {
      forwarder.question(driver.role.leader, question, options, answered);
    } else if (!this.#knowsNow()) {
      answered(unavailable("this leader has not yet heard from a quorum", 0, driver.role.term));
    } else {
      const answerBytes = own.answer(question, driver.limiter, stamp.nowUs());
      const tooLong = `the answer has ${answerBytes.length} bytes; it may have ${maxAnswerBytes}: ask for less`;
      answered(answerBytes.length > maxAnswerBytes ? invalidArgument(tooLong) : answerBytes);
    }
  }

  #refusal(options: SubmitOptions, items: number): NodeFailure | null {
    const { driver, proposals, forwarder } = this.#parts;
    const { maxPendingItems } = this.#parts.options;
    const { leader, state, term } = driver.role;
    if (state === "leader") {
      if (this.#closed) return unavailable("this node is draining; ask the next leader", 0, term);
    } else if (options.noForward || leader === 0) {
      return notLeader(leader, term);
    }
    const pending = proposals.pendingItems + forwarder.pendingItems;
    if (pending + items > maxPendingItems) return overloaded(pending, maxPendingItems, leader, term);
    return null;
  }

  /** Whether applied state is as good as the log's for a denial (SEMANTICS D1). */
  #knowsNow(): boolean {
    const { driver, peers, options } = this.#parts;
    return driver.leads && peers.quorumAnswered(driver.role.term, options.electionMs);
  }

  #decide(origin: CallOrigin, batch: CallBatch, options: SubmitOptions, asker: CallSink): void {
    const { driver, proposals, stamp } = this.#parts;
    driver.wake();
    const sink = this.#parts.options.watch(driver.limiter, origin, batch, asker);
    if (options.firstAttempt && batch.sizes === null && this.#knowsNow()) {
      const stampUs = stamp.nowUs();
      const denied = this.#fastPath.judge(driver.limiter, origin, batch, stampUs, proposals.touched);
      if (denied > 0) {
        this.#split(origin, batch, sink, stampUs);
        return;
      }
    }
    proposals.addCalls(origin, batch, 0, batch.calls, sink);
  }

  /** Proposes what is not denied first, and then answers the denials: a sink may submit again, which reuses the columns. */
  #split(origin: CallOrigin, batch: CallBatch, sink: CallSink, stampUs: number): void {
    const { denied, results } = this.#fastPath;
    const facts = factsOf(this.#parts.driver, stampUs);
    const { calls } = batch;
    const runs: number[] = [];
    for (let from = 0; from < calls; ) {
      let to = from + 1;
      while (to < calls && denied[to] === denied[from]) to++;
      if (denied[from] === 1) runs.push(from, to);
      else this.#parts.proposals.addCalls(origin, batch, from, to, sink);
      from = to;
    }
    const columns = runs.length === 2 ? results : this.#fastPath.release();
    let item = 0;
    for (let i = 0; i < runs.length; i += 2) {
      const [from, to] = [runs[i]!, runs[i + 1]!];
      sink.decided(from, to, columns, item, facts, i + 2 < runs.length);
      item += to - from;
    }
  }
}

/** Of an answer from applied state. */
function factsOf({ limiter }: Driver, stampUs: number): DecisionFacts {
  return { index: 0, asOfIndex: limiter.appliedIndex + 1, stampUs, source: "leader", repeated: false };
}
