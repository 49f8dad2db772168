import type {
  AdminRequest,
  ListEntryDocument,
  OverrideDocument,
  PolicyDocument,
  PolicyRecord,
  TierDocument,
  TierKeyDocument,
} from "@quorumguard/limiter";

/** What an administrative change came to. */
export interface NaiveChange {
  readonly version: number;
  readonly changed: number;
  /** The code of its refusal. */
  readonly error: string | null;
}

/** What changed about one policy. */
export interface PolicyEdit {
  readonly name: string;
  readonly from: PolicyDocument | null;
  readonly to: PolicyDocument | null;
}

/** Numbers that a key has by an override or its tier. */
export interface OwnNumbers {
  readonly limit: number;
  readonly burst?: number;
}

/** Those of a key under a policy; null: it has none. */
export type NumbersOf = (name: string, key: string) => OwnNumbers | null;

type Records = ReadonlyMap<string, PolicyRecord>;

interface Namespace {
  records: Records;
  version: number;
  /** The records of every version, from 0 on. */
  readonly past: Records[];
}

/** Everything that operators have set, told from the log alone. */
export interface NaiveRecords {
  /**
   * Executes a change.
   *
   * @param moved Told of the policies that will be others, and of the numbers that keys will have, while all is as it was.
   * @param lift Ends a ban; false: there is none.
   */
  administer(
    request: AdminRequest,
    moved: (edits: readonly PolicyEdit[], after: NumbersOf) => void,
    lift: (policy: string, key: string) => boolean,
  ): NaiveChange;
  policy(namespace: string, name: string): PolicyDocument | null;
  /** Numbers of its own that a key has: by an override, or else by its tier. */
  numbers(namespace: string, name: string, key: string): OwnNumbers | null;
  /** How many keys the namespace may have; null: as many as there are places. */
  quota(namespace: string): number | null;
  /** The list that a key is on, deny before allow. */
  list(namespace: string, name: string, key: string): "allow" | "deny" | null;
}

const idOf = (...parts: readonly string[]) => parts.join("\u0000");

function recordId(record: PolicyRecord): string {
  switch (record.kind) {
    case "policy":
      return idOf("policy", record.value.name);
    case "override":
      return idOf("override", record.value.policy, record.value.key);
    case "tier":
      return idOf("tier", record.value.name);
    case "tierKey":
      return idOf("tierKey", record.value.key);
    case "listEntry":
      return listId(record.value);
    case "keyQuota":
      return "keyQuota";
  }
}

const listId = ({ list, policy = "", match, value }: ListEntryDocument) =>
  idOf("listEntry", list, policy, match, value);

/** Equal for equal records, in whatever order their fields stand. */
function sameText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  if (Array.isArray(value)) return `[${value.map(sameText).join()}]`;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, field]) => `${name}:${sameText(field)}`).join()}}`;
}

/** The records that a change puts (null: deletes) by id; a text: why it is refused. */
function wantedBy(change: AdminRequest["change"], { records, version, past }: Namespace) {
  const wanted = new Map<string, PolicyRecord | null>();
  const put = (list: readonly PolicyRecord[]) => {
    for (const record of list) wanted.set(recordId(record), record);
  };
  const remove = (ids: readonly string[]) => {
    for (const id of ids) wanted.set(id, null);
    return ids.every((id) => records.has(id));
  };
  const replace = (kind: PolicyRecord["kind"], list: readonly PolicyRecord[] | undefined) => {
    if (list === undefined) return;
    for (const [id, record] of records) if (record.kind === kind) wanted.set(id, null);
    put(list);
  };
  let found = true;
  switch (change.kind) {
    case "putPolicies":
      put(change.policies.map(policyRecord));
      break;
    case "putOverrides":
      put(change.overrides.map(overrideRecord));
      break;
    case "putTiers":
      put(change.tiers.map(tierRecord));
      break;
    case "putTierKeys":
      put(change.tierKeys.map(tierKeyRecord));
      break;
    case "putListEntries":
      put(change.entries.map(listRecord));
      break;
    case "deletePolicies":
      found = remove(change.names.map((name) => idOf("policy", name)));
      break;
    case "deleteOverrides":
      found = remove(change.overrides.map(({ policy, key }) => idOf("override", policy, key)));
      break;
    case "deleteTiers":
      found = remove(change.names.map((name) => idOf("tier", name)));
      break;
    case "deleteTierKeys":
      found = remove(change.keys.map((key) => idOf("tierKey", key)));
      break;
    case "deleteListEntries":
      found = remove(change.entries.map(listId));
      break;
    case "setKeyQuota":
      wanted.set("keyQuota", quotaRecord(change.maxKeys));
      break;
    case "putDocument": {
      const { policies, overrides, tiers, tierKeys, lists, maxKeys } = change.document;
      replace("policy", policies?.map(policyRecord));
      replace("override", overrides?.map(overrideRecord));
      replace("tier", tiers?.map(tierRecord));
      replace("tierKey", tierKeys?.map(tierKeyRecord));
      replace("listEntry", lists?.map(listRecord));
      if (maxKeys !== undefined) wanted.set("keyQuota", quotaRecord(maxKeys));
      break;
    }
    case "rollback": {
      if (change.version > version) return "not-found";
      const then = past[change.version]!;
      for (const id of records.keys()) if (!then.has(id)) wanted.set(id, null);
      put([...then.values()]);
      break;
    }
    default:
      break;
  }
  return found ? wanted : "not-found";
}

const policyRecord = (value: PolicyDocument): PolicyRecord => ({ kind: "policy", value });
const overrideRecord = (value: OverrideDocument): PolicyRecord => ({ kind: "override", value });
const tierRecord = (value: TierDocument): PolicyRecord => ({ kind: "tier", value });
const tierKeyRecord = (value: TierKeyDocument): PolicyRecord => ({ kind: "tierKey", value });
const listRecord = (value: ListEntryDocument): PolicyRecord => ({ kind: "listEntry", value });
const quotaRecord = (maxKeys: number | null): PolicyRecord | null =>
  maxKeys === null ? null : { kind: "keyQuota", value: { maxKeys } };

/** Whether every key is in a tier that is there. */
function wholeError(after: Records, wanted: ReadonlyMap<string, PolicyRecord | null>): string | null {
  for (const [id, record] of after) {
    if (record.kind !== "tierKey" || after.has(idOf("tier", record.value.tier))) continue;
    return wanted.get(id) == null ? "in-use" : "not-found";
  }
  return null;
}

function numbersIn(records: Records, name: string, key: string): OwnNumbers | null {
  if (name === "") return null;
  const override = records.get(idOf("override", name, key));
  if (override?.kind === "override") return override.value;
  const member = records.get(idOf("tierKey", key));
  const tier = member?.kind === "tierKey" ? records.get(idOf("tier", member.value.tier)) : undefined;
  return tier?.kind === "tier" ? (tier.value.limits.find(({ policy }) => policy === name) ?? null) : null;
}

/** Makes the records of an empty log. */
export function createNaiveRecords(): NaiveRecords {
  const namespaces = new Map<string, Namespace>();
  const remembered = new Map<string, { readonly text: string; readonly result: NaiveChange }>();
  const record = (namespace: string, id: string) => namespaces.get(namespace)?.records.get(id);

  function execute(
    { namespace, change, expectedVersion }: AdminRequest,
    moved: (edits: readonly PolicyEdit[], after: NumbersOf) => void,
    lift: (policy: string, key: string) => boolean,
  ): NaiveChange {
    const known = namespaces.get(namespace);
    const own: Namespace = known ?? { records: new Map(), version: 0, past: [new Map()] };
    const refused = (error: string): NaiveChange => ({ version: own.version, changed: 0, error });
    const grow = (records: Records, changed: number): NaiveChange => {
      namespaces.set(namespace, own);
      own.records = records;
      own.past.push(records);
      return { version: ++own.version, changed, error: null };
    };
    if (expectedVersion !== null && expectedVersion !== own.version) return refused("version-mismatch");
    if (change.kind === "liftBan") {
      if (known === undefined || !lift(change.policy, change.key)) return refused("not-found");
      return grow(own.records, 1);
    }
    const wanted = wantedBy(change, own);
    if (typeof wanted === "string") return refused(wanted);
    const after = new Map(own.records);
    const edits: PolicyEdit[] = [];
    let changed = 0;
    for (const [id, value] of [...wanted].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const before = own.records.get(id) ?? null;
      if (sameText(before) === sameText(value)) continue;
      changed++;
      if (value === null) after.delete(id);
      else after.set(id, value);
      const [from, to] = [before, value].map((one) => (one?.kind === "policy" ? one.value : null));
      if (from || to) edits.push({ name: (to ?? from)!.name, from: from ?? null, to: to ?? null });
    }
    const error = wholeError(after, wanted);
    if (error !== null) return refused(error);
    if (changed === 0) return { version: own.version, changed: 0, error: null };
    moved(edits, (name, key) => numbersIn(after, name, key));
    return grow(after, changed);
  }

  return {
    administer(request, moved, lift) {
      const { namespace, changeId, change, expectedVersion } = request;
      const id = `${changeId}|${namespace}`;
      const text = sameText({ change, expectedVersion });
      const before = changeId === null ? undefined : remembered.get(id);
      if (before !== undefined) {
        if (before.text === text) return before.result;
        return { version: namespaces.get(namespace)?.version ?? 0, changed: 0, error: "change-id-reused" };
      }
      const result = execute(request, moved, lift);
      if (changeId !== null) remembered.set(id, { text, result });
      return result;
    },
    policy(namespace, name) {
      const found = name === "" ? undefined : record(namespace, idOf("policy", name));
      return found?.kind === "policy" ? found.value : null;
    },
    numbers: (namespace, name, key) => numbersIn(namespaces.get(namespace)?.records ?? new Map(), name, key),
    quota(namespace) {
      const quota = record(namespace, "keyQuota");
      return quota?.kind === "keyQuota" ? quota.value.maxKeys : null;
    },
    list(namespace, name, key) {
      const lists = new Set<string>();
      for (const one of namespaces.get(namespace)?.records.values() ?? []) {
        if (one.kind !== "listEntry") continue;
        const { list, policy = "", match, value } = one.value;
        if (policy !== "" && policy !== name) continue;
        if (match === "key" ? key === value : match === "prefix" ? key.startsWith(value) : isWithin(key, value))
          lists.add(list);
      }
      return lists.has("deny") ? "deny" : lists.has("allow") ? "allow" : null;
    },
  };
}

/** The bits of an address as text, `0`s and `1`s; null: it is none. One of IPv4 within IPv6 is that of IPv4. */
function addressBits(text: string): string | null {
  if (!text.includes(":")) {
    const parts = text.split(".");
    if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d*)$/.test(part) && Number(part) < 256)) return null;
    return parts.map((part) => Number(part).toString(2).padStart(8, "0")).join("");
  }
  let groups = text;
  const last = text.slice(text.lastIndexOf(":") + 1);
  if (last.includes(".")) {
    const bits = addressBits(last);
    if (bits === null) return null;
    const words = [bits.slice(0, 16), bits.slice(16)].map((word) => Number.parseInt(word, 2).toString(16));
    groups = `${text.slice(0, -last.length)}${words.join(":")}`;
  }
  const [head = [], tail, more] = groups.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  if (more !== undefined) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const whole = [...head, ...Array.from({ length: missing }, () => "0"), ...(tail ?? [])];
  if (!whole.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  const bits = whole.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0")).join("");
  return bits.startsWith(`${"0".repeat(80)}${"1".repeat(16)}`) ? bits.slice(96) : bits;
}

/** A network: how many bits its addresses have, and the leading ones that all of them share. Null: the text is none. */
function networkOf(text: string): { readonly width: number; readonly shared: string } | null {
  const [address = "", length, more] = text.split("/");
  const bits = addressBits(address);
  if (bits === null || more !== undefined) return null;
  if (length === undefined) return { width: bits.length, shared: bits };
  const isMapped = address.includes(":") && bits.length === 32;
  const shared = Number(length) - (isMapped ? 96 : 0);
  if (!/^\d+$/.test(length) || shared < 0 || shared > bits.length || bits.slice(shared).includes("1")) return null;
  return { width: bits.length, shared: bits.slice(0, shared) };
}

/**
 * Whether what a key stands for, an address or a network, lies in a range as a whole; never across families. A key may
 * have the label `ip:` in front, and an IPv6 address brackets around it.
 */
function isWithin(key: string, range: string): boolean {
  const text = key.startsWith("ip:") ? key.slice(3) : key;
  const inBrackets = /^\[([^/]*:[^/]*)\]$/.exec(text)?.[1];
  const [one, other] = [networkOf(inBrackets ?? text), networkOf(range)];
  return one !== null && other !== null && one.width === other.width && one.shared.startsWith(other.shared);
}
