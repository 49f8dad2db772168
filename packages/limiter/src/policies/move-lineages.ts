import { MAX_WINDOW_US } from "../entry/format.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { type Census, MAX_SHAPES_SEEN } from "./census.ts";
import { algorithmNumber, type PolicyDocument } from "./documents.ts";
import { shown } from "./fields.ts";
import { keepBounded, MAX_PAST_EPOCHS, MAX_SHAPES } from "./keep-bounded.ts";
import { callersSpanUs, countsAlike, type Lineage, newLineage, safeSum, spanUs, stillMattering } from "./lineage.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import type { RecordEdit } from "./records.ts";

/** Names with a past in one namespace: looked through from so many on; if they stay so many, each keeps little. */
const MANY_LINEAGES = 2_000;

interface Move {
  readonly lineage: Lineage;
  /** Set if an epoch ended. */
  readonly ended: { readonly epoch: number; readonly retainUs: number } | null;
  readonly prefix: Uint8Array;
}

/**
 * For each name whose rule the edits change: ends its epoch if its counters cannot go on as they are (SEMANTICS K1).
 * Refuses nothing, lest a limit of 0 come too late.
 */
export function moveLineages(
  policies: NamespacePolicies,
  census: Census,
  edits: readonly RecordEdit[],
  stampUs: number,
): void {
  pruneLineages(policies, census);
  for (const { before, after } of edits) {
    const from = before?.kind === "policy" ? before.value : null;
    const to = after?.kind === "policy" ? after.value : null;
    if (from === null && to === null) continue;
    const { lineage, ended, prefix } = moveOf(policies, census, from, to, stampUs);
    if (ended !== null) census.freeze(prefix, ended.epoch, stampUs, ended.retainUs);
    if (isTrivial(lineage)) policies.lineages.delete(lineage.name);
    else policies.lineages.set(lineage);
  }
}

/** What the edits come to for keys that are not asked for before: of which names not all counts can be carried over now. */
export function describeMoves(
  namespace: string,
  policies: NamespacePolicies | null,
  census: Census,
  edits: readonly RecordEdit[],
): readonly string[] {
  const words: string[] = [];
  for (const { before, after } of edits) {
    if (before !== null || after?.kind !== "policy") continue;
    const { name } = after.value;
    const epoch = policies?.lineages.get(name)?.epoch ?? 0;
    const shapes = census.shapesOf(namePrefix(namespace, name)).filter((shape) => shape.epoch === epoch);
    if (shapes.length <= MAX_SHAPES) continue;
    words.push(
      `policy ${shown(name)}: its name is counted under ${shapes.length} windows and algorithms, ${MAX_SHAPES} can be carried over: each key will begin as used up`,
    );
  }
  return words;
}

/** Names whose policy and counters are gone need no past; looked for only when there are many. */
function pruneLineages(policies: NamespacePolicies, census: Census): void {
  if (policies.lineages.size <= MANY_LINEAGES) return;
  for (const name of [...policies.lineages.view.keys()]) {
    if (policies.policy(name) === null && census.shapeCount(namePrefix(policies.name, name)) === 0) {
      policies.lineages.delete(name);
    }
  }
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
  const lineage = policies.lineages.get(name) ?? newLineage(name, 0);
  const prefix = namePrefix(policies.name, name);
  const count = census.shapeCount(prefix);
  // Nobody has a counter under this name: there is nothing to carry over, and nothing to remember.
  if (count === 0) return { lineage: newLineage(name, lineage.askedUs), ended: null, prefix };
  const all = census.shapesOf(prefix);
  const shapes = all.filter((shape) => shape.epoch === lineage.epoch);
  if (goesOn(from, to, shapes, lineage)) return { lineage, ended: null, prefix };
  const heirsUs = keptSpanUs(from, to, lineage, shapes);
  const before = stillMattering(lineage.past, new Set(all.map(({ epoch }) => epoch)), stampUs, heirsUs);
  // As long as those before it: whether a key was asked under it matters for what waits from them.
  const retainUs = Math.max(safeSum(stampUs, heirsUs), ...before.map((each) => each.retainUs));
  const ended = {
    epoch: lineage.epoch,
    endUs: stampUs,
    retainUs,
    shapes: shapes.map(({ algorithm, windowUs }) => ({ algorithm, windowUs })),
    numbers: from === null ? null : numbersOf(from),
  };
  const past = [...before, ended];
  const mostEpochs = policies.lineages.size > MANY_LINEAGES ? 1 : MAX_PAST_EPOCHS;
  const unseenUntilUs = count > MAX_SHAPES_SEEN ? safeSum(stampUs, 2 * MAX_WINDOW_US) : 0;
  const kept = keepBounded(past, mostEpochs, Math.max(lineage.fullUntilUs, unseenUntilUs));
  return {
    lineage: { name, epoch: lineage.epoch + 1, askedUs: lineage.askedUs, ...kept },
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
  const inlineUs = shapes.map(({ windowUs }) => callersSpanUs(2 * windowUs));
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
