import { Verb } from "@quorumguard/limiter";
import { expect } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { CallOptions, Decision, Guard } from "../surface/guard.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import type { LocalAnswerCounts } from "../without-network/local-answer-counts.ts";
import { ScriptedCluster, type ScriptedStream, type ToldByReply } from "./scripted-cluster.ts";
import { VirtualRuntime } from "./virtual-runtime.ts";

/** How long a lease of that cluster lasts, in milliseconds. */
export const LEASE_MS = 1_000;

interface SeenHold {
  readonly verb: number;
  readonly cost: number;
  readonly handle: number;
  readonly atMs: number;
}

/** A cluster that grants whatever it is asked for, and a guard whose policy may be leased. */
export class LeaseScene {
  readonly runtime = new VirtualRuntime();
  readonly cluster = new ScriptedCluster();
  readonly guard: Guard<"api">;
  readonly grants: SeenHold[] = [];
  readonly returns: SeenHold[] = [];
  takes = 0;
  remaining = 900;
  /** What grants are told, and how they come out. */
  granted: ToldByReply = { firmForMs: LEASE_MS };
  outcome = 1;
  index = 20;
  policyVersion = 0;
  /** How long a grant's answer takes. */
  delayMs = 0;

  constructor(options: Partial<GuardOptions<"api">> = {}, counts: LocalAnswerCounts[] = []) {
    this.cluster.appliedIndex = 10n;
    for (const node of this.cluster.nodes) {
      node.answers = (frame, stream) => {
        const verb = frame.verbs?.[0] ?? Verb.take;
        const { remaining, granted, outcome } = this;
        const told = { index: this.index, policyVersion: this.policyVersion, remaining };
        const seen = (item: number) => ({
          verb,
          cost: frame.costs?.[item] ?? 1,
          handle: frame.handles?.[item] ?? 0,
          atMs: this.runtime.nowMs,
        });
        for (let item = 0; item < frame.items; item++) {
          if (frame.verbs?.[item] === Verb.grant) this.grants.push(seen(item));
          else if (frame.verbs?.[item] === Verb.giveBack) this.returns.push(seen(item));
          else this.takes += 1;
        }
        if (verb !== Verb.grant) stream.reply(frame, 1, 1, told);
        else this.runtime.setTimer(() => stream.reply(frame, outcome, 1, { ...told, ...granted }), this.delayMs);
      };
    }
    this.guard = createGuardCore(
      {
        endpoints: ["n1:7400"],
        policies: { api: { limit: 1_000, window: "10s", lease: true } },
        onUnavailable: "throw",
        ...options,
      },
      this.cluster,
      this.runtime,
      {
        defaultEndpoints: "n1:7400",
        client: "test",
        endpointOf: (member) => member.grpcEndpoint,
        observer: { localAnswers: (each) => void counts.push(each) },
      },
    );
  }

  async allow(options: CallOptions = {}): Promise<Decision> {
    const call = this.guard.allow("k", "api", options);
    await this.runtime.settle();
    return call;
  }

  /** One call per `everyMs` for so long; what they came to. */
  async load(forMs: number, everyMs = 5): Promise<Decision[]> {
    const decisions: Decision[] = [];
    for (const untilMs = this.runtime.nowMs + forMs; this.runtime.nowMs < untilMs; ) {
      decisions.push(await this.allow());
      await this.runtime.pass(everyMs);
    }
    return decisions;
  }

  /** Asks until there is a lease. */
  async lease(): Promise<void> {
    while (this.grants.length === 0) await this.load(1, 1);
    await this.runtime.pass(this.delayMs);
    expect(this.grants.length).toBe(1);
  }

  get stream(): ScriptedStream {
    return [...this.cluster.nodes[this.cluster.leaderId - 1]!.streams].at(-1)!;
  }

  async push(value: object) {
    this.stream.send({ case: "forget", value: value as never });
    await this.runtime.settle();
  }
}
