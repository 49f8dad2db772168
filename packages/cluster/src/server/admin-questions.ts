import {
  describeEdits,
  type Limiter,
  type NamespaceDocument,
  PolicyError,
  type PolicyErrorCode,
  type Rule,
} from "@quorumguard/limiter";
import type { ClusterNode, NodeFailure, SubmitOptions } from "../node/node.ts";
import type { TopBy, TopKeys, TopList } from "./top-keys/top-keys.ts";

/** What a node asks its leader on behalf of an operator. Nodes of other versions may not know a kind: they say so. */
export type AdminQuestion =
  | { readonly kind: "document"; readonly namespace: string }
  | { readonly kind: "preview"; readonly namespace: string; readonly document: Partial<NamespaceDocument> }
  | { readonly kind: "diff"; readonly namespace: string; readonly from: number; readonly to: number }
  | { readonly kind: "history"; readonly namespace: string; readonly before: number; readonly limit: number }
  | { readonly kind: "explain"; readonly namespace: string; readonly rule: Rule; readonly key: string }
  | { readonly kind: "bans"; readonly namespace: string; readonly policy: string; readonly limit: number }
  | { readonly kind: "topKeys"; readonly namespace: string | null; readonly by: TopBy; readonly limit: number };

/** What the leader answers to a question of each kind. */
export interface AdminAnswers {
  readonly document: { readonly version: number; readonly document: NamespaceDocument };
  readonly preview: { readonly version: number; readonly words: readonly string[] };
  readonly diff: { readonly words: readonly string[] };
  readonly history: { readonly version: number; readonly revisions: readonly Revision[] };
  readonly explain: object;
  readonly bans: { readonly total: number; readonly bans: readonly BanFact[] };
  readonly topKeys: TopList & { readonly nodeId: number };
}

/** A change as the history tells it, its edits in words. */
export interface Revision {
  readonly sequence: number;
  readonly version: number;
  readonly index: number;
  readonly stampUs: number;
  readonly author: string;
  readonly changeId: string | null;
  readonly kind: string;
  readonly about: string;
  readonly words: readonly string[];
}

/** A ban as it is now. */
export interface BanFact {
  readonly policy: string;
  readonly key: string;
  readonly endsAfterMs: number;
  readonly strikes: number;
}

type Answered<T> =
  | { readonly ok: T }
  | { readonly refused: { readonly code: PolicyErrorCode; readonly field: string; readonly message: string } };

/** What answers: the leader's state, and what its server alone knows. */
export interface AdminSources {
  readonly nodeId: number;
  readonly topKeys: TopKeys;
}

/** Answers a question on the leader. Bytes in, bytes out, as {@link ClusterNode.ask} carries them. */
export function answerAdmin(
  sources: AdminSources,
  question: Uint8Array,
  limiter: Limiter,
  stampUs: number,
): Uint8Array {
  let answered: Answered<unknown>;
  try {
    answered = { ok: answer(sources, JSON.parse(decoder.decode(question)) as AdminQuestion, limiter, stampUs) };
  } catch (error) {
    // Another node asked: whatever it sent, it gets an answer, and this node goes on.
    const { code, field } = error instanceof PolicyError ? error : { code: "invalid" as const, field: "" };
    answered = { refused: { code, field, message: error instanceof Error ? error.message : String(error) } };
  }
  return encoder.encode(JSON.stringify(answered));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function answer(sources: AdminSources, question: AdminQuestion, limiter: Limiter, stampUs: number): unknown {
  const { policies } = limiter;
  switch (question.kind) {
    case "document": {
      const { namespace } = question;
      return {
        version: policies.version(namespace),
        document: policies.document(namespace),
      } satisfies AdminAnswers["document"];
    }
    case "preview": {
      const { from, edits, words } = policies.preview(question.namespace, {
        kind: "putDocument",
        document: question.document,
      });
      return { version: from, words: briefly(words, edits.length) } satisfies AdminAnswers["preview"];
    }
    case "diff": {
      const { edits, words } = policies.diff(question.namespace, question.from, question.to);
      return { words: briefly(words, edits.length) } satisfies AdminAnswers["diff"];
    }
    case "history":
      return history(question, limiter);
    case "explain":
      return limiter.explain(question.namespace, question.rule, encoder.encode(question.key), stampUs);
    case "bans":
      return bans(question, limiter, stampUs);
    case "topKeys": {
      const { by, limit, namespace } = question;
      return {
        nodeId: sources.nodeId,
        ...sources.topKeys.read(by, limit, namespace),
      } satisfies AdminAnswers["topKeys"];
    }
    default: {
      const { kind } = question as { readonly kind: string };
      throw new PolicyError("invalid", "", `the leader does not know the question ${JSON.stringify(kind)}: upgrade it`);
    }
  }
}

/** Sentences that are told of one change. An answer must stay within what a message may have, 4 MiB. */
const MOST_WORDS = 1_000;

/** Leaves out what is more of the `edits` that the words begin with. */
function briefly(words: readonly string[], edits: number): readonly string[] {
  if (edits <= MOST_WORDS) return words;
  const more = `and ${(edits - MOST_WORDS).toLocaleString("en-US")} more`;
  return [...words.slice(0, MOST_WORDS), more, ...words.slice(edits)];
}

function history({ namespace, before, limit }: Extract<AdminQuestion, { kind: "history" }>, limiter: Limiter) {
  const kept = limiter.policies.history(namespace).filter(({ sequence }) => before === 0 || sequence < before);
  const revisions = kept.slice(0, limit).map(({ edits, ...entry }) => ({
    ...entry,
    words: briefly(describeEdits(edits.slice(0, MOST_WORDS)), edits.length),
  }));
  return { version: limiter.policies.version(namespace), revisions } satisfies AdminAnswers["history"];
}

function bans(
  { namespace, policy, limit }: Extract<AdminQuestion, { kind: "bans" }>,
  limiter: Limiter,
  stampUs: number,
) {
  // Ordered by policy and key, so those of one policy cannot be cut off before they are counted.
  const all = limiter.bans(namespace, stampUs, Number.POSITIVE_INFINITY).bans;
  const wanted = policy === "" ? all : all.filter((ban) => ban.policy === policy);
  return {
    total: wanted.length,
    bans: wanted
      .slice(0, limit)
      .map(({ untilUs, ...ban }) => ({ ...ban, endsAfterMs: Math.ceil((untilUs - stampUs) / 1_000) })),
  } satisfies AdminAnswers["bans"];
}

/** Asks the leader. @throws {NodeFailure} wrapped as {@link AskFailure}, and {@link PolicyError} when it refuses. */
export function askLeader<Q extends AdminQuestion>(
  node: ClusterNode,
  question: Q,
  options: SubmitOptions,
): Promise<AdminAnswers[Q["kind"]]> {
  return new Promise((resolve, reject) => {
    node.ask(encoder.encode(JSON.stringify(question)), options, (told) => {
      if (!(told instanceof Uint8Array)) {
        reject(new AskFailure(told));
        return;
      }
      const answered = JSON.parse(decoder.decode(told)) as Answered<AdminAnswers[Q["kind"]]>;
      if ("ok" in answered) resolve(answered.ok);
      else reject(new PolicyError(answered.refused.code, "", answered.refused.message));
    });
  });
}

/** The leader could not be asked. */
export class AskFailure extends Error {
  override readonly name = "AskFailure";
  readonly failure: NodeFailure;

  constructor(failure: NodeFailure) {
    super(failure.message);
    this.failure = failure;
  }
}
