import { encodeUtf8, textOf } from "../entry/utf8.ts";
import { digest, sipHash } from "../hash/sip.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { AdminChange, AdminRequest } from "./admin-change.ts";
import { canonicalJson, type Json, utf8Bytes } from "./canonical.ts";
import type { Census } from "./census.ts";
import type { PolicyCounters } from "./counters.ts";
import { describeEdits } from "./describe.ts";
import type { NamespaceDocument, PolicyDocument } from "./documents.ts";
import { longestEmpty } from "./empty-namespaces.ts";
import { editsBetween, type HistoryEntry, historyJson, rewind } from "./history.ts";
import { describeMoves, moveLineages } from "./move-lineages.ts";
import { NamespacePolicies } from "./namespace-policies.ts";
import { planChange } from "./plan-change.ts";
import { PolicyError, type PolicyErrorCode } from "./policy-error.ts";
import { documentOf, type PolicyRecord, type RecordEdit, type RecordView, recordJson } from "./records.ts";
import { type RenumberedKeys, renumberedKeys } from "./renumbered-keys.ts";
import { StoredMap } from "./stored-map.ts";
import { TextStore } from "./text-store.ts";

/** What an administrative change came to. A refusal changes nothing. */
export interface AdminResult {
  /** The namespace's version afterwards. */
  readonly version: number;
  /** Records that became others; 0: everything was so already. */
  readonly changed: number;
  readonly error: { readonly code: PolicyErrorCode; readonly field: string; readonly message: string } | null;
}

/** The difference of two versions, in data and in words. */
export interface PolicyDiff {
  readonly from: number;
  readonly to: number;
  readonly edits: readonly RecordEdit[];
  readonly words: readonly string[];
}

/** What administration reads of {@link PolicyBook}. */
export type PolicyReader = Pick<
  PolicyBook,
  "namespaceNames" | "version" | "policy" | "document" | "diff" | "preview" | "history" | "counters"
>;

/** Bounds of what operators may pile up. Each has its error, which says what to do. */
export const policyBounds = {
  /** Namespaces that were ever administered; one more takes the place of one in which nothing is set for so long. */
  namespaces: 1_000,
  emptyUs: 86_400_000_000,
  /** Bytes of all records of a namespace, and of all namespaces, as JSON. */
  namespaceBytes: 2_097_152,
  bytes: 16_777_216,
  /** Records that one change may change: an entry that takes longer than a few heartbeats would cost the leader its office. */
  changeRecords: 12_000,
  /**
   * Changes and bytes that a namespace's history keeps, and bytes of all histories; the oldest go first. A history has room
   * for the largest change there may be, all records of a namespace before and after, lest that one cannot be rolled back.
   */
  historyEntries: 256,
  historyNamespaceBytes: 5_242_880,
  historyBytes: 16_777_216,
  /** Change ids remembered at once, and for how long. */
  changeIds: 4_096,
  changeIdTtlUs: 600_000_000,
} as const;

interface RememberedChange {
  readonly namespace: string;
  readonly changeId: string;
  readonly fingerprint: string;
  readonly stampUs: number;
  readonly result: AdminResult;
}

/** What a change comes to outside the policies. */
export interface ChangeEffects {
  /** Ends the ban of a key; false: there is none. */
  liftBan(namespace: string, policy: string, key: string): boolean;
  /** Single keys are about to get other numbers: all is still as it was. */
  renumbering(policies: NamespacePolicies, keys: RenumberedKeys): void;
  /** Single keys have other numbers now. */
  renumbered(policies: NamespacePolicies, keys: RenumberedKeys): void;
}

/** All namespaces' policies, as the log made them. */
export class PolicyBook {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #texts: TextStore;
  readonly #census: Census;
  readonly #namespaces = new Map<string, NamespacePolicies>();
  readonly #changes: StoredMap<RememberedChange>;
  /** Change ids from before it count as from then: a takeover ends no memory (SEMANTICS S5). */
  #changesSinceUs = 0;
  /** What {@link namespaceOf} found last, among how many. */
  #lastName = new Uint8Array(1);
  #lastSize = -1;
  #last: NamespacePolicies | null = null;
  /** Namespaces of a snapshot whose pages are not there yet. */
  #unnamed: NamespacePolicies[] = [];

  constructor(heap: Heap, slab: Slab, census: Census) {
    this.#heap = heap;
    this.#slab = slab;
    this.#census = census;
    this.#texts = new TextStore(heap, slab);
    this.#changes = new StoredMap(this.#texts, (change) => changeKey(change.namespace, change.changeId));
  }

  get isEmpty(): boolean {
    return this.#namespaces.size === 0;
  }

  namespace(name: string): NamespacePolicies | null {
    return this.#namespaces.get(name) ?? null;
  }

  /** The same by a name in bytes, as calls have it; the last one is kept. */
  namespaceOf(name: Uint8Array): NamespacePolicies | null {
    const last = this.#lastName;
    let same = last.length === name.length;
    for (let i = 0; same && i < last.length; i++) same = last[i] === name[i];
    if (!same || this.#lastSize !== this.#namespaces.size) {
      const text = textOf(name, 0, name.length);
      this.#lastName = name.slice();
      this.#lastSize = this.#namespaces.size;
      this.#last = text === null ? null : this.namespace(text);
    }
    return this.#last;
  }

  /** Names of the namespaces that were administered, but for those that gave up their place, sorted. */
  namespaceNames(): readonly string[] {
    return [...this.#namespaces.keys()].sort();
  }

  /** The version of a namespace; 0: never administered, or it gave up its place. */
  version(namespace: string): number {
    return this.namespace(namespace)?.version ?? 0;
  }

  /** The policy of that name; null: there is none. */
  policy(namespace: string, name: string): PolicyDocument | null {
    return this.namespace(namespace)?.policy(name) ?? null;
  }

  /** Everything that is set, now or at an earlier version. @throws {PolicyError} */
  document(namespace: string, version?: number): NamespaceDocument {
    return documentOf(this.#viewAt(namespace, version ?? this.version(namespace)));
  }

  /** What leads from one version to another. @throws {PolicyError} */
  diff(namespace: string, from: number, to: number): PolicyDiff {
    const edits = editsBetween(this.#viewAt(namespace, from), this.#viewAt(namespace, to));
    return { from, to, edits, words: describeEdits(edits) };
  }

  /** What a change would come to now, as it would be carried out; `to` is the version that it would make. @throws {PolicyError} */
  preview(namespace: string, change: Exclude<AdminChange, { readonly kind: "liftBan" }>): PolicyDiff {
    const from = this.version(namespace);
    const edits = this.#plan(namespace, change);
    this.#renumberedBy(namespace, edits);
    const moves = describeMoves(namespace, this.namespace(namespace), this.#census, edits);
    return {
      from,
      to: edits.length === 0 ? from : this.#baseVersion(namespace) + 1,
      edits,
      words: [...describeEdits(edits), ...moves],
    };
  }

  /** The counters of every policy that is set, by its name. */
  counters(namespace: string): ReadonlyMap<string, PolicyCounters> {
    return this.namespace(namespace)?.allCounters() ?? new Map();
  }

  /** The changes that are kept, the newest first. */
  history(namespace: string): readonly HistoryEntry[] {
    return this.#historyOf(namespace).reverse();
  }

  #historyOf(namespace: string): HistoryEntry[] {
    return [...(this.namespace(namespace)?.history.view.values() ?? [])];
  }

  #viewOf(namespace: string): RecordView {
    return this.namespace(namespace)?.records.view ?? new Map();
  }

  #viewAt(namespace: string, version: number) {
    return rewind(this.#viewOf(namespace), this.version(namespace), this.#historyOf(namespace), version);
  }

  /** Executes a change that was read and checked; never throws for what the state makes impossible. */
  administer(request: AdminRequest, stampUs: number, index: number, effects: ChangeEffects): AdminResult {
    this.#forgetChanges(stampUs);
    const { namespace, changeId } = request;
    const fingerprint = changeId === null ? "" : fingerprintOf(request);
    const remembered = changeId === null ? undefined : this.#changes.get(changeKey(namespace, changeId));
    if (remembered !== undefined) {
      if (remembered.fingerprint === fingerprint) return remembered.result;
      const message = `is ${JSON.stringify(changeId)}, which came with another change before: use a new id for each change`;
      return this.#refusal(namespace, new PolicyError("change-id-reused", "changeId", message));
    }
    if (changeId !== null && this.#changes.size >= policyBounds.changeIds) {
      const message = `cannot be remembered, ${policyBounds.changeIds} are already: try again in ten minutes, or without it`;
      return this.#refusal(namespace, new PolicyError("too-many", "changeId", message));
    }
    let result: AdminResult;
    try {
      result = this.#execute(request, stampUs, index, effects);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      result = this.#refusal(namespace, error);
    }
    if (changeId !== null) this.#changes.set({ namespace, changeId, fingerprint, stampUs, result });
    return result;
  }

  #refusal(namespace: string, { code, field, message }: PolicyError): AdminResult {
    return { version: this.version(namespace), changed: 0, error: { code, field, message } };
  }

  #execute(request: AdminRequest, stampUs: number, index: number, effects: ChangeEffects): AdminResult {
    const { namespace, change, expectedVersion } = request;
    const version = this.version(namespace);
    if (expectedVersion !== null && expectedVersion !== version) {
      const message = `is ${expectedVersion}; the namespace is at version ${version}: read it again and decide anew`;
      throw new PolicyError("version-mismatch", "expectedVersion", message);
    }
    if (change.kind === "liftBan") {
      if (!effects.liftBan(namespace, change.policy, change.key)) {
        throw new PolicyError(
          "not-found",
          "change",
          `lifts a ban of "${change.key}" under "${change.policy}"; there is none`,
        );
      }
      const lifted = this.#namespaces.get(namespace);
      // A ban that outlived its policy, and then its namespace, was in force for nobody.
      if (lifted === undefined) return { version, changed: 1, error: null };
      // A version of its own, since it is by versions that clients learn to forget the bans that they were told of.
      lifted.version++;
      this.#remember(lifted, request, [], new Map(), stampUs, index);
      return { version: lifted.version, changed: 1, error: null };
    }
    const edits = this.#plan(namespace, change);
    if (edits.length === 0) return { version, changed: 0, error: null };
    const texts = this.#checkBytes(namespace, edits);
    const renumbered = this.#renumberedBy(namespace, edits);
    const policies = this.#namespaces.get(namespace) ?? this.#create(namespace, stampUs);
    effects.renumbering(policies, renumbered);
    moveLineages(policies, this.#census, edits, stampUs);
    policies.edit(edits, texts);
    effects.renumbered(policies, renumbered);
    policies.version++;
    this.#remember(policies, request, edits, texts, stampUs, index);
    return { version: policies.version, changed: edits.length, error: null };
  }

  #renumberedBy(namespace: string, edits: readonly RecordEdit[]): RenumberedKeys {
    const lineages = this.namespace(namespace)?.lineages;
    return renumberedKeys(this.#viewOf(namespace), edits, (policy) => lineages?.get(policy));
  }

  #plan(namespace: string, change: Exclude<AdminChange, { readonly kind: "liftBan" }>): readonly RecordEdit[] {
    const view = this.#viewOf(namespace);
    const edits =
      change.kind === "rollback"
        ? editsBetween(view, this.#viewAt(namespace, change.version))
        : planChange(view, change);
    if (edits.length > policyBounds.changeRecords) {
      const message = `would change ${edits.length} records; one change may change ${policyBounds.changeRecords}: make it in parts`;
      throw new PolicyError("too-many", "change", message);
    }
    return edits;
  }

  /** Returns the records before and after as JSON, which need not be written again. */
  #checkBytes(namespace: string, edits: readonly RecordEdit[]): ReadonlyMap<PolicyRecord, string> {
    const texts = new Map<PolicyRecord, string>();
    const size = (record: RecordEdit["after"]): number => {
      if (record === null) return 0;
      const json = recordJson(record);
      texts.set(record, json);
      return utf8Bytes(json);
    };
    const grows = edits.reduce((sum, { before, after }) => sum + size(after) - size(before), 0);
    const own = (this.namespace(namespace)?.records.bytes ?? 0) + grows;
    if (own > policyBounds.namespaceBytes) {
      const message = `would leave ${own} bytes in the namespace; it may have ${policyBounds.namespaceBytes}: delete some first`;
      throw new PolicyError("too-many", "change", message);
    }
    let all = grows;
    for (const each of this.#namespaces.values()) all += each.records.bytes;
    if (all > policyBounds.bytes) {
      const message = `would leave ${all} bytes in all namespaces; they may have ${policyBounds.bytes}: delete some first`;
      throw new PolicyError("too-many", "change", message);
    }
    return texts;
  }

  /**
   * The version that a namespace's next change follows. One that takes another's place goes on from the highest there is:
   * it may have had a place itself, and clients that knew it then heed no version below. From the first of them on all
   * places are taken, so the highest there is has never been surpassed by one that is gone.
   */
  #baseVersion(namespace: string): number {
    const policies = this.namespace(namespace);
    if (policies !== null) return policies.version;
    if (this.#namespaces.size < policyBounds.namespaces) return 0;
    return Math.max(...[...this.#namespaces.values()].map(({ version }) => version));
  }

  #create(name: string, stampUs: number): NamespacePolicies {
    const version = this.#baseVersion(name);
    if (this.#namespaces.size >= policyBounds.namespaces) this.#freeLongestEmpty(stampUs);
    const created = new NamespacePolicies(name, this.#texts.put(name).address, this.#texts, this.#heap, this.#slab);
    created.version = version;
    this.#namespaces.set(name, created);
    this.#lastSize = -1;
    return created;
  }

  #freeLongestEmpty(stampUs: number): void {
    const empty = longestEmpty(this.#namespaces.values(), this.#census, stampUs - policyBounds.emptyUs);
    if (empty === null) {
      const { namespaces } = policyBounds;
      const message = `would be number ${namespaces + 1} with policies; there may be ${namespaces}: delete everything that is set in one that needs none, and it makes room a day later, once nothing counts there that its policies left`;
      throw new PolicyError("too-many", "namespace", message);
    }
    empty.history.clear();
    empty.lineages.clear();
    this.#texts.free(empty.nameAddress);
    this.#namespaces.delete(empty.name);
  }

  #remember(
    policies: NamespacePolicies,
    { change, author, changeId }: AdminRequest,
    edits: readonly RecordEdit[],
    texts: ReadonlyMap<PolicyRecord, string>,
    stampUs: number,
    index: number,
  ): void {
    const { history, version } = policies;
    const sequence = ++policies.sequence;
    const what = { about: aboutOf(change), author, changeId, edits };
    const entry: HistoryEntry = { ...what, index, kind: change.kind, sequence, stampUs, version };
    history.set(entry, historyJson(entry, texts));
    while (history.size > policyBounds.historyEntries || history.bytes > policyBounds.historyNamespaceBytes) {
      forgetOldest(history);
    }
    this.#boundHistories(history);
  }

  /**
   * Of all histories together, the largest gives way: who changes little keeps what there is to go back to. Never the
   * change that was just made: `latest` has it.
   */
  #boundHistories(latest: StoredMap<HistoryEntry>): void {
    const histories = [...this.#namespaces.values()].map(({ history }) => history);
    let bytes = histories.reduce((sum, history) => sum + history.bytes, 0);
    const sizeOf = (history: StoredMap<HistoryEntry>) => (history === latest && history.size === 1 ? 0 : history.bytes);
    while (bytes > policyBounds.historyBytes) {
      const largest = histories.reduce((most, history) => (sizeOf(history) > sizeOf(most) ? history : most));
      bytes -= largest.bytes;
      forgetOldest(largest);
      bytes += largest.bytes;
    }
  }

  #forgetChanges(stampUs: number): void {
    for (const [id, change] of this.#changes.view) {
      if (Math.max(change.stampUs, this.#changesSinceUs) + policyBounds.changeIdTtlUs > stampUs) break;
      this.#changes.delete(id);
    }
  }

  /** A new leader: what was remembered at the preceding stamp is remembered for its whole time from the new one on. */
  takeover(precedingStampUs: number, stampUs: number): void {
    this.#forgetChanges(precedingStampUs);
    this.#changesSinceUs = stampUs;
  }

  save(meta: MetaWriter): void {
    meta.number(this.#changesSinceUs);
    this.#changes.save(meta);
    meta.numbers([...this.#namespaces.values()].map(({ nameAddress }) => nameAddress));
    for (const namespace of this.#namespaces.values()) namespace.save(meta);
  }

  /** The names are in the heap's pages, which come later: {@link open} reads them. */
  load(meta: MetaReader): void {
    this.#changesSinceUs = meta.number();
    this.#changes.load(meta);
    this.#unnamed = Array.from(
      meta.numbers(),
      (address) => new NamespacePolicies("", address, this.#texts, this.#heap, this.#slab),
    );
    for (const namespace of this.#unnamed) namespace.load(meta);
  }

  /** After a snapshot's pages were written: finds the namespaces' names. */
  open(): void {
    for (const namespace of this.#unnamed) {
      namespace.name = this.#texts.get(namespace.nameAddress).text;
      this.#namespaces.set(namespace.name, namespace);
    }
    this.#unnamed = [];
  }
}

function forgetOldest(history: StoredMap<HistoryEntry>): void {
  for (const id of history.view.keys()) {
    history.delete(id);
    return;
  }
}

function aboutOf(change: AdminChange): string {
  if (change.kind === "liftBan") return `${change.policy}: ${change.key}`;
  return change.kind === "rollback" ? `version ${change.version}` : "";
}

function changeKey(namespace: string, changeId: string): string {
  return `${changeId}\0${namespace}`;
}

function fingerprintOf(request: AdminRequest): string {
  const bytes = encodeUtf8(
    canonicalJson({ change: request.change, expectedVersion: request.expectedVersion } as unknown as Json),
  );
  sipHash(0x243f6a88, 0x85a308d3, bytes, 0, bytes.length);
  return digest[0]!.toString(16).padStart(8, "0") + digest[1]!.toString(16).padStart(8, "0");
}
