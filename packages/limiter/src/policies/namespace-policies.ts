import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import { createCounters, type PolicyCounters, readCounters } from "./counters.ts";
import type { ListEntryDocument, PolicyDocument } from "./documents.ts";
import type { HistoryEntry } from "./history.ts";
import { KeyList } from "./key-list.ts";
import { type Lineage, newLineage } from "./lineage.ts";
import {
  idOfEdit,
  KEY_QUOTA_ID,
  overrideId,
  type PolicyRecord,
  policyId,
  type RecordEdit,
  recordId,
  tierId,
  tierKeyId,
} from "./records.ts";
import { StoredMap } from "./stored-map.ts";
import type { TextStore } from "./text-store.ts";

/** Numbers that stand in for a policy's own for one key, and where they come from. */
export interface KeyNumbers {
  readonly limit: number;
  readonly burst: number | undefined;
  readonly from: { readonly kind: "override" } | { readonly kind: "tier"; readonly tier: string };
}

/** Everything that is set for one namespace, and what led to it. Part of the replicated state. */
export class NamespacePolicies {
  name: string;
  readonly nameAddress: number;
  version = 0;
  /** Changes so far. */
  sequence = 0;
  readonly records: StoredMap<PolicyRecord>;
  readonly history: StoredMap<HistoryEntry>;
  readonly lineages: StoredMap<Lineage>;
  readonly #heap: Heap;
  readonly #slab: Slab;
  /** Counters by policy; null: not yet read since a snapshot was restored. */
  #counters: Map<string, number> | null = new Map();
  #savedCounters: readonly number[] = [];
  /** Lists by which one it is and the policy that it is for; made from the records when first asked for. */
  #lists: Map<string, KeyList> | null = null;
  #keyed: { overrides: number; tierKeys: number } | null = null;

  constructor(name: string, nameAddress: number, texts: TextStore, heap: Heap, slab: Slab) {
    this.name = name;
    this.nameAddress = nameAddress;
    this.#heap = heap;
    this.#slab = slab;
    this.records = new StoredMap(texts, recordId);
    this.history = new StoredMap(texts, (entry) => String(entry.sequence));
    this.lineages = new StoredMap(texts, (lineage) => lineage.name);
  }

  policy(name: string): PolicyDocument | null {
    const record = this.records.get(policyId(name));
    return record?.kind === "policy" ? record.value : null;
  }

  /** Remembers for how long the inline numbers under a policy's name would count: should the policy go, they are its heirs. */
  noteAsked(name: string, askedUs: number): void {
    const lineage = this.lineages.get(name) ?? newLineage(name, 0);
    if (askedUs > lineage.askedUs) this.lineages.set({ ...lineage, askedUs });
  }

  get maxKeys(): number | null {
    const record = this.records.get(KEY_QUOTA_ID);
    return record?.kind === "keyQuota" ? record.value.maxKeys : null;
  }

  /** Numbers of its own that a key has under a policy: an override before its tier; null: none. */
  numbersFor(policy: string, key: string): KeyNumbers | null {
    const { overrides, tierKeys } = this.#keyedCounts();
    const override = overrides > 0 ? this.records.get(overrideId(policy, key)) : undefined;
    if (override?.kind === "override") {
      return { limit: override.value.limit, burst: override.value.burst, from: { kind: "override" } };
    }
    const tierKey = tierKeys > 0 ? this.records.get(tierKeyId(key)) : undefined;
    if (tierKey?.kind !== "tierKey") return null;
    const tier = this.records.get(tierId(tierKey.value.tier));
    const row = tier?.kind === "tier" ? tier.value.limits.find((each) => each.policy === policy) : undefined;
    if (row === undefined) return null;
    return { limit: row.limit, burst: row.burst, from: { kind: "tier", tier: tierKey.value.tier } };
  }

  /** Whether anything in this namespace depends on single keys: only then keys need to be read as text. */
  get hasKeyed(): boolean {
    return this.hasOwnNumbers || this.#keyLists().size > 0;
  }

  /** Whether any key has numbers of its own. */
  get hasOwnNumbers(): boolean {
    const { overrides, tierKeys } = this.#keyedCounts();
    return overrides + tierKeys > 0;
  }

  /** Which list a key is on under a policy (empty: an inline rule); the deny-list goes first. */
  listOf(policy: string, key: string): ListEntryDocument["list"] | null {
    const lists = this.#keyLists();
    if (lists.size === 0) return null;
    for (const list of ["deny", "allow"] as const) {
      if (lists.get(`${list}\0`)?.has(key)) return list;
      if (policy !== "" && lists.get(`${list}\0${policy}`)?.has(key)) return list;
    }
    return null;
  }

  /** The policy's counters in the heap. */
  countersOf(policy: string): number {
    return this.#openCounters().get(policy) ?? 0;
  }

  readCounters(policy: string): PolicyCounters | null {
    const block = this.countersOf(policy);
    return block === 0 ? null : readCounters(this.#heap, block);
  }

  /** The counters of all policies, by name. */
  allCounters(): ReadonlyMap<string, PolicyCounters> {
    return new Map([...this.#openCounters()].map(([name, block]) => [name, readCounters(this.#heap, block)]));
  }

  /** Carries out edits that were checked; `texts` are those of the new records that are written already. */
  edit(edits: readonly RecordEdit[], texts: ReadonlyMap<PolicyRecord, string> = new Map()): void {
    const counters = this.#openCounters();
    this.#keyLists();
    this.#keyedCounts();
    for (const edit of edits) {
      const { before, after } = edit;
      this.#index(before, -1);
      this.#index(after, 1);
      if (after === null) this.records.delete(idOfEdit(edit));
      else this.records.set(after, texts.get(after));
      if (before === null && after?.kind === "policy") {
        counters.set(after.value.name, createCounters(this.#heap, this.#slab));
      } else if (after === null && before?.kind === "policy") {
        this.#slab.give(counters.get(before.value.name)!);
        counters.delete(before.value.name);
      }
    }
  }

  #index(record: PolicyRecord | null, change: 1 | -1): void {
    if (record === null) return;
    const keyed = this.#keyed!;
    if (record.kind === "override") keyed.overrides += change;
    else if (record.kind === "tierKey") keyed.tierKeys += change;
    else if (record.kind === "listEntry") this.#indexEntry(record.value, change);
  }

  #indexEntry({ list, match, value, policy }: ListEntryDocument, change: 1 | -1): void {
    const lists = this.#lists!;
    const id = `${list}\0${policy ?? ""}`;
    const keys = lists.get(id) ?? new KeyList();
    if (change === 1) keys.add(match, value);
    else keys.remove(match, value);
    if (keys.isEmpty) lists.delete(id);
    else lists.set(id, keys);
  }

  #keyLists(): Map<string, KeyList> {
    if (this.#lists === null) {
      this.#lists = new Map();
      for (const record of this.records.view.values()) {
        if (record.kind === "listEntry") this.#indexEntry(record.value, 1);
      }
    }
    return this.#lists;
  }

  #keyedCounts(): { overrides: number; tierKeys: number } {
    if (this.#keyed === null) {
      this.#keyed = { overrides: 0, tierKeys: 0 };
      for (const { kind } of this.records.view.values()) {
        if (kind === "override") this.#keyed.overrides++;
        else if (kind === "tierKey") this.#keyed.tierKeys++;
      }
    }
    return this.#keyed;
  }

  #openCounters(): Map<string, number> {
    if (this.#counters === null) {
      this.#counters = new Map();
      let at = 0;
      for (const record of this.records.view.values()) {
        if (record.kind === "policy") this.#counters.set(record.value.name, this.#savedCounters[at++]!);
      }
    }
    return this.#counters;
  }

  /** Counters are saved in the order of the policies' records, in which their names need not be repeated. */
  save(meta: MetaWriter): void {
    meta.number(this.version);
    meta.number(this.sequence);
    this.records.save(meta);
    this.history.save(meta);
    this.lineages.save(meta);
    meta.numbers(this.#counters === null ? this.#savedCounters : [...this.#counters.values()]);
  }

  load(meta: MetaReader): void {
    this.version = meta.number();
    this.sequence = meta.number();
    this.records.load(meta);
    this.history.load(meta);
    this.lineages.load(meta);
    this.#savedCounters = Array.from(meta.numbers());
    this.#counters = null;
  }
}
