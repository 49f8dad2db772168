import { Bans } from "../abuse/bans.ts";
import { resolveBounds } from "../bounds.ts";
import { RequestIds } from "../exactly-once/request-ids.ts";
import { Sessions } from "../exactly-once/sessions.ts";
import { RollingHash } from "../hash/rolling-hash.ts";
import { HeldBacklog } from "../holds/held-backlog.ts";
import { Holds } from "../holds/holds.ts";
import { KeyTable } from "../keys/key-table.ts";
import type { Bounds, ResetKey } from "../limiter.ts";
import { Heap, PageKind } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import { Slab } from "../memory/slab.ts";
import { OwnKeeper } from "../policies/own-keeper.ts";
import { PolicyBook } from "../policies/policy-book.ts";
import { stillKeptUntilUs, stillSinceUs } from "../policies/still-since.ts";
import { GrowingResultColumns } from "../result-columns.ts";

/** Everything that entries change. What can grow is in the heap's pages; the rest is written out by {@link save}. */
export class MachineState {
  readonly heap = new Heap();
  readonly slab = new Slab(this.heap, PageKind.other);
  readonly keys = new KeyTable(this.heap);
  readonly sessions = new Sessions(this.heap, this.slab);
  readonly requestIds = new RequestIds(this.heap, this.slab);
  readonly hash = new RollingHash();
  readonly holds = new Holds(this.heap, this.slab, this.keys, this.sessions, this.hash);
  readonly heldBacklog = new HeldBacklog();
  readonly policies = new PolicyBook(this.heap, this.slab, this.keys.census);
  readonly bans = new Bans(this.heap);
  /** Results of the entry being applied; not part of the state. */
  readonly results = new GrowingResultColumns(64);
  /** What it emptied, likewise. */
  resets: ResetKey[] = [];
  bounds: Bounds;
  appliedIndex = 0;
  stampUs = 0;
  keysFull = 0;
  /** At most one snapshot cut is open at a time. */
  cutIsOpen = false;

  constructor(bounds: Partial<Bounds> | undefined) {
    this.bounds = resolveBounds(bounds);
    this.keys.keeper = new OwnKeeper(this.keys, this.policies);
    this.holds.stillSinceUs = (key) => stillSinceUs(this.keys, this.policies, key);
    this.holds.stillKeptUntilUs = (key) => stillKeptUntilUs(this.keys, this.policies, key);
  }

  save(meta: MetaWriter): void {
    meta.number(this.appliedIndex);
    meta.number(this.stampUs);
    meta.number(this.keysFull);
    for (const field of boundFields) meta.number(this.bounds[field]);
    this.heap.save(meta);
    this.slab.save(meta);
    this.keys.save(meta);
    this.sessions.save(meta);
    this.requestIds.save(meta);
    this.holds.save(meta);
    this.heldBacklog.save(meta);
    this.policies.save(meta);
    this.bans.save(meta);
    this.hash.save(meta);
  }

  load(meta: MetaReader, pageKinds: Uint8Array): void {
    this.appliedIndex = meta.number();
    this.stampUs = meta.number();
    this.keysFull = meta.number();
    const bounds: { -readonly [Field in keyof Bounds]: number } = { ...this.bounds };
    for (const field of boundFields) bounds[field] = meta.number();
    this.bounds = resolveBounds(bounds);
    this.heap.load(meta, pageKinds);
    this.slab.load(meta);
    this.keys.load(meta);
    this.sessions.load(meta);
    this.requestIds.load(meta);
    this.holds.load(meta);
    this.heldBacklog.load(meta);
    this.policies.load(meta);
    this.bans.load(meta);
    this.hash.load(meta);
  }
}

const boundFields = [
  "maxKeys",
  "maxSessions",
  "maxResultsPerSession",
  "sessionTtlUs",
  "maxRequestIds",
  "requestIdTtlUs",
  "maxHolds",
  "maxHoldsPerSession",
] as const satisfies readonly (keyof Bounds)[];
