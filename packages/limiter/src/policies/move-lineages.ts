import { encodeUtf8 } from "../entry/utf8.ts";
import type { Census } from "./census.ts";
import { algorithmNumber, type PolicyDocument } from "./documents.ts";
import { countsAlike, type Lineage, MAX_PAST_EPOCHS, MAX_SHAPES, safeSum, spanUs, stillMattering } from "./lineage.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { PolicyError } from "./policy-error.ts";
import type { RecordEdit } from "./records.ts";

/** Names with a past in one namespace: looked through from so many on, and refused beyond. */
const PRUNE_ABOVE = 2_000;
const MAX_LINEAGES = 4_000;

interface Move {
  readonly lineage: Lineage;
  /** Set if an epoch ended. */
  readonly ended: { readonly epoch: number; readonly retainUs: number } | null;
  readonly prefix: Uint8Array;
}

/**
 * For each name whose rule the edits change: ends its epoch if its counters cannot go on as they are (SEMANTICS K1).
 * Either all names move, or, when one of them cannot, none.
 * @throws {PolicyError} `carrying-over` when a name has too much past to be carried over.
 */
export function moveLineages(
  policies: NamespacePolicies,
  census: Census,
  edits: readonly RecordEdit[],
  stampUs: number,
): void {
  const moves: Move[] = [];
  pruneLineages(policies, census);
  for (const { before, after } of edits) {
    const from = before?.kind === "policy" ? before.value : null;
    const to = after?.kind === "policy" ? after.value : null;
    if (from !== null || to !== null) moves.push(moveOf(policies, census, from, to, stampUs));
  }
  for (const { lineage, ended, prefix } of moves) {
    if (ended !== null) census.freeze(prefix, ended.epoch, stampUs, ended.retainUs);
    if (isTrivial(lineage)) policies.lineages.delete(lineage.name);
    else policies.lineages.set(lineage);
  }
}

/** Names whose policy and counters are gone need no past; looked for only when there are many. */
function pruneLineages(policies: NamespacePolicies, census: Census): void {
  if (policies.lineages.size <= PRUNE_ABOVE) return;
  for (const name of [...policies.lineages.view.keys()]) {
    if (policies.policy(name) === null && census.shapeCount(namePrefix(policies.name, name)) === 0) {
      policies.lineages.delete(name);
    }
  }
  if (policies.lineages.size <= MAX_LINEAGES) return;
  const message = `concerns a namespace in which ${policies.lineages.size} names have counts to carry over; ${MAX_LINEAGES} may have: wait until the counts of deleted policies have expired`;
  throw new PolicyError("carrying-over", "change", message);
}

function isTrivial(lineage: Lineage): boolean {
  return lineage.epoch === 0 && lineage.askedUs === 0 && lineage.past.length === 0;
}

function moveOf(
  policies: NamespacePolicies,
  census: Census,
  from: PolicyDocument | null,
  to: PolicyDocument | null,
  stampUs: number,
): Move {
  const name = (to ?? from)!.name;
  const lineage: Lineage = policies.lineages.get(name) ?? { name, epoch: 0, askedUs: 0, past: [] };
  const prefix = namePrefix(policies.name, name);
  const count = census.shapeCount(prefix);
  // Nobody has a counter under this name: there is nothing to carry over, and nothing to remember.
  if (count === 0) return { lineage: { name, epoch: 0, askedUs: lineage.askedUs, past: [] }, ended: null, prefix };
  if (count > MAX_SHAPES) {
    const message = `takes over the name "${name}", which ${count} different windows and algorithms were counted under lately; ${MAX_SHAPES} can be carried over: choose another name, or wait until their counts have expired`;
    throw new PolicyError("carrying-over", "change", message);
  }
  const shapes = census.shapesOf(prefix).filter((shape) => shape.epoch === lineage.epoch);
  if (goesOn(from, to, shapes, lineage)) return { lineage, ended: null, prefix };
  const heirsUs = keptSpanUs(from, to, lineage, shapes);
  const past = stillMattering(lineage.past, stampUs, heirsUs);
  if (past.length >= MAX_PAST_EPOCHS) {
    const freeUs = Math.min(...past.map((epoch) => epoch.retainUs));
    const message = `changes how "${name}" is counted for the ${MAX_PAST_EPOCHS + 1}th time before counts of the first way have faded: try again in ${Math.ceil((freeUs - stampUs) / 1_000_000)} s`;
    throw new PolicyError("carrying-over", "change", message);
  }
  const retainUs = safeSum(stampUs, heirsUs);
  const ended = {
    epoch: lineage.epoch,
    endUs: stampUs,
    retainUs,
    shapes: shapes.map(({ algorithm, windowUs }) => ({ algorithm, windowUs })),
    numbers: from === null ? null : numbersOf(from),
  };
  return {
    lineage: { name, epoch: lineage.epoch + 1, askedUs: lineage.askedUs, past: [...past, ended] },
    ended: { epoch: lineage.epoch, retainUs },
    prefix,
  };
}

/** Whether every counter under the name goes on as it is. */
function goesOn(
  from: PolicyDocument | null,
  to: PolicyDocument | null,
  shapes: readonly { readonly algorithm: number; readonly windowUs: number }[],
  lineage: Lineage,
): boolean {
  if (from !== null && to !== null) return countsAlike(from, to);
  if (to === null || to.algorithm === "token-bucket" || lineage.past.length > 0) return false;
  const { algorithm, windowUs } = numbersOf(to);
  return shapes.every((shape) => shape.algorithm === algorithm && shape.windowUs === windowUs);
}

/**
 * For how long after the change what was counted can matter: to whoever counts from now on, and, as long as it lasts by
 * the old rule itself, to one that comes after that.
 */
function keptSpanUs(
  from: PolicyDocument | null,
  to: PolicyDocument | null,
  lineage: Lineage,
  shapes: readonly { readonly windowUs: number }[],
): number {
  const ownUs = from === null ? 0 : documentSpanUs(from);
  const inlineUs = shapes.map(({ windowUs }) => 2 * windowUs);
  return Math.max(ownUs, to === null ? lineage.askedUs : documentSpanUs(to), ...inlineUs);
}

function documentSpanUs(document: PolicyDocument): number {
  const { algorithm, limit, windowUs, burst } = numbersOf(document);
  return spanUs(algorithm, limit, windowUs, burst);
}

/** A document's numbers as rules have them. */
export function numbersOf(document: PolicyDocument): {
  readonly algorithm: number;
  readonly limit: number;
  readonly windowUs: number;
  readonly burst: number;
} {
  const { limit, windowMs, burst = 0 } = document;
  return { algorithm: algorithmNumber(document.algorithm), limit, windowUs: windowMs * 1_000, burst };
}

/** What the identities of all keys under a name begin with. */
export function namePrefix(namespace: string, name: string): Uint8Array {
  const namespaceBytes = encodeUtf8(namespace);
  const nameBytes = encodeUtf8(name);
  return Uint8Array.from([namespaceBytes.length, ...namespaceBytes, nameBytes.length, ...nameBytes]);
}
