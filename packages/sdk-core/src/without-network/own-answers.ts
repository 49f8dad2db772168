import type { CallItem } from "../calls/call.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { ClusterNews } from "./local-answers.ts";

/** What a process answers by itself, exactly, from what the cluster has told it before. */
export interface OwnAnswers extends ClusterNews {
  /** The decision on a plain take of a single key; null: the cluster is to be asked. */
  answer(rule: ResolvedRule, key: string, cost: number): Decision | null;
  /** The denial that holds for it now; null: there is none. */
  denial(item: CallItem): Decision | null;
  /** Nothing is remembered any more. */
  forget(): void;
  /** Remembers nothing more; resolves when the cluster has heard of it, or soon. Null: it need not. */
  close(): Promise<void> | null;
}
