import type { ReceivedReply, SessionResponse, Welcome } from "@quorumguard/proto";
import type { ClusterNews } from "./local-answers.ts";

/**
 * How far a stream has heard of what undoes denials: they are as of a log index, and a push names the index of what it tells of,
 * whichever of the two arrives first.
 */
export class HeardOfStream {
  /** Denials as of this log index or before may be undone by what was pushed, or happened before the stream began. */
  #index: number;
  /** Of the namespace's policies, as the stream's node told last. */
  #policyVersion: number;

  private constructor(index: number, policyVersion: number) {
    this.#index = index;
    this.#policyVersion = policyVersion;
  }

  /** From a stream's Welcome; null: its node is older than pushes, so nothing may be remembered. */
  static since({ appliedIndex, policyVersion }: Welcome): HeardOfStream | null {
    return appliedIndex === 0n ? null : new HeardOfStream(Number(appliedIndex), Number(policyVersion));
  }

  get policyVersion(): number {
    return this.#policyVersion;
  }

  /** Looks at what was pushed. */
  message(message: SessionResponse["message"], news: ClusterNews): void {
    if (message.case === "pong") this.#policies(Number(message.value.policyVersion), news);
    if (message.case !== "forget") return;
    const { index, policyVersion, all, rules, keys, ruleIndexes } = message.value;
    this.#index = Math.max(this.#index, Number(index));
    this.#policies(Number(policyVersion), news);
    if (all) news.anyReset(Number(index));
    keys.forEach((key, at) => {
      const rule = rules[ruleIndexes[at] ?? 0];
      if (rule === undefined) news.anyReset(Number(index));
      else news.keyReset({ ...rule, windowUs: Number(rule.windowUs) }, key, Number(index));
    });
  }

  /** Looks at a reply; true: its denials may be remembered. */
  reply({ asOfIndex, policyVersion }: ReceivedReply, news: ClusterNews): boolean {
    this.#policies(policyVersion, news);
    return asOfIndex > this.#index && policyVersion === this.#policyVersion;
  }

  /** The client's own reset was executed at this log index. */
  reset(index: number): void {
    this.#index = Math.max(this.#index, index);
  }

  #policies(version: number, news: ClusterNews): void {
    if (version <= this.#policyVersion) return;
    this.#policyVersion = version;
    news.policiesAre(version);
  }
}
