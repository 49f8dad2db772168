import type { Call } from "../calls/call.ts";
import { learnTerms, type PolicyTerms, type ResolvedRule, type RuleBook } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import type { ClusterNews } from "../without-network/local-answers.ts";

/** Names that one question may have. */
const MAX_NAMES = 256;
/** Clients that hear of a change ask what it is within so long, each at its own time: all of them hear it at once. */
const SPREAD_MS = 1_000;
/** After a question in vain the next one waits for so long; twice as long each time, up to the longest. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A question that does not end is given up: on edge runtimes what a request began may never settle once that is over. */
const LOST_AFTER_MS = 10_000;

/** What a node has told of policies. */
export interface ToldTerms {
  /** The version of the namespace's policies that it is as of. */
  readonly version: number;
  /** By the policies' names; those that are none are not among them. */
  readonly policies: ReadonlyMap<string, PolicyTerms>;
}

/** Whose policies are asked about, and how. */
export interface ClusterTermsOptions {
  readonly runtime: Pick<Runtime, "monotonicMs" | "setTimer" | "random">;
  readonly rules: Pick<RuleBook, "named">;
  /** Asks what the cluster's policies of these names say, once. */
  readonly ask: (names: readonly string[]) => Promise<ToldTerms>;
  /** Keys of a rule may be leased no more. */
  readonly onLeaseRefused: () => void;
}

/**
 * Knows what the cluster's policies say of the names that are used here, so that it holds also while the cluster is away: each name
 * is asked for once per version of the policies, beside the calls, and none waits for it. In a cluster without policies nothing
 * is ever asked.
 */
export class ClusterTerms implements Pick<ClusterNews, "streamBegan" | "policiesAre" | "replaced"> {
  readonly #options: ClusterTermsOptions;
  /** Of the policies, as far as was heard; 0: nothing is set, or nothing was heard. */
  #version = 0;
  #hasHeard = false;
  #question = 0;
  #failures = 0;
  #notBeforeMs = 0;
  /** When this client's turn to ask about a change comes; null: it does not wait for one. */
  #turnMs: number | null = null;
  #cancelTurn: () => void = () => {};
  #closed = false;

  constructor(options: ClusterTermsOptions) {
    this.#options = options;
  }

  /** This call goes to the cluster. */
  used({ rule, group }: Pick<Call, "rule" | "group">): void {
    if (this.#turnMs !== null) {
      // By the clock: on edge runtimes a timer dies with the request that set it.
      if (this.#options.runtime.monotonicMs() < this.#turnMs) return;
      this.#cancelTurn();
      this.#turnMs = null;
    }
    const isDue = group === null ? this.#isDue(rule) : group.some((item) => this.#isDue(item.rule));
    if (isDue) this.#ask();
  }

  #isDue({ toldVersion, policy }: ResolvedRule): boolean {
    return toldVersion !== this.#version && policy !== "";
  }

  streamBegan(policyVersion: number | null): void {
    if (policyVersion === null) return;
    this.#notBeforeMs = 0;
    this.#failures = 0;
    this.#hear(policyVersion);
  }

  policiesAre(version: number): void {
    if (version > this.#version) this.#hear(version);
  }

  /** What the old cluster told does not hold in the new one, which has a count of versions of its own. */
  replaced(): void {
    this.#version = 0;
    this.#hasHeard = false;
    this.#question += 1;
    this.#notBeforeMs = 0;
    for (const rule of this.#options.rules.named()) learnTerms(rule, null, 0);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTurn();
  }

  #hear(version: number): void {
    const isFirst = !this.#hasHeard;
    this.#hasHeard = true;
    if (version === this.#version) return;
    this.#version = version;
    if (isFirst) this.#ask();
    else if (this.#turnMs === null && !this.#closed) {
      const { runtime } = this.#options;
      const turn = () => {
        this.#turnMs = null;
        this.#ask();
      };
      const delayMs = runtime.random() * SPREAD_MS;
      this.#turnMs = runtime.monotonicMs() + delayMs;
      this.#cancelTurn = runtime.setTimer(turn, delayMs, false);
    }
  }

  #ask(): void {
    const { runtime, rules, ask } = this.#options;
    const nowMs = runtime.monotonicMs();
    if (this.#closed || nowMs < this.#notBeforeMs) return;
    const asked: ResolvedRule[] = [];
    for (const rule of rules.named()) {
      if (rule.toldVersion !== this.#version && asked.length < MAX_NAMES) asked.push(rule);
    }
    if (asked.length === 0) return;
    this.#notBeforeMs = nowMs + LOST_AFTER_MS;
    const question = ++this.#question;
    ask(asked.map(({ policy }) => policy)).then(
      (told) => {
        if (question === this.#question && !this.#closed) this.#learn(asked, told);
      },
      () => {
        // The calls beside it meet the same trouble, and tell. An older node does not know the question.
        if (question !== this.#question) return;
        const pauseMs = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** this.#failures);
        this.#failures += 1;
        this.#notBeforeMs = runtime.monotonicMs() + pauseMs;
      },
    );
  }

  #learn(asked: readonly ResolvedRule[], { version, policies }: ToldTerms): void {
    this.#failures = 0;
    this.#version = Math.max(this.#version, version);
    const isBehind = version < this.#version;
    this.#notBeforeMs = isBehind ? this.#options.runtime.monotonicMs() + PAUSE_MS : 0;
    let isRefused = false;
    for (const rule of asked) {
      if (learnTerms(rule, policies.get(rule.policy) ?? null, version)) isRefused = true;
    }
    if (isRefused) this.#options.onLeaseRefused();
    // There may be more names than one question has.
    if (!isBehind && this.#turnMs === null) this.#ask();
  }
}

/** Tells both what bears on them; `answers` null: nothing is remembered. */
export function newsFor(answers: ClusterNews | null, terms: ClusterTerms): ClusterNews {
  return {
    streamBegan(policyVersion) {
      answers?.streamBegan(policyVersion);
      terms.streamBegan(policyVersion);
    },
    policiesAre(version) {
      answers?.policiesAre(version);
      terms.policiesAre(version);
    },
    keyReset: (identity, key, index) => answers?.keyReset(identity, key, index),
    anyReset: (index) => answers?.anyReset(index),
    replaced() {
      answers?.replaced();
      terms.replaced();
    },
  };
}
