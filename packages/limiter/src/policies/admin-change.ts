import { canonicalJson, type Json, utf8Bytes } from "./canonical.ts";
import type {
  ListEntryDocument,
  NamespaceDocument,
  OverrideDocument,
  PolicyDocument,
  TierDocument,
  TierKeyDocument,
} from "./documents.ts";
import { Fields } from "./fields.ts";
import { PolicyError } from "./policy-error.ts";
import {
  MAX_POLICY_NAME_BYTES,
  readKeyQuota,
  readListEntry,
  readOverride,
  readPolicy,
  readTier,
  readTierKey,
} from "./read-documents.ts";
import { listEntryId, overrideId } from "./records.ts";

/** What an operator may change, each as a whole or not at all. Deleting what is not there is refused. */
export type AdminChange =
  /** Adds policies, or replaces those of the same names. */
  | { readonly kind: "putPolicies"; readonly policies: readonly PolicyDocument[] }
  | { readonly kind: "deletePolicies"; readonly names: readonly string[] }
  | { readonly kind: "putOverrides"; readonly overrides: readonly OverrideDocument[] }
  | { readonly kind: "deleteOverrides"; readonly overrides: readonly Pick<OverrideDocument, "policy" | "key">[] }
  | { readonly kind: "putTiers"; readonly tiers: readonly TierDocument[] }
  | { readonly kind: "deleteTiers"; readonly names: readonly string[] }
  | { readonly kind: "putTierKeys"; readonly tierKeys: readonly TierKeyDocument[] }
  | { readonly kind: "deleteTierKeys"; readonly keys: readonly string[] }
  | { readonly kind: "putListEntries"; readonly entries: readonly ListEntryDocument[] }
  | { readonly kind: "deleteListEntries"; readonly entries: readonly ListEntryDocument[] }
  /** Keys with a live count that the namespace may have; null: no quota. */
  | { readonly kind: "setKeyQuota"; readonly maxKeys: number | null }
  /** Replaces each section that is given by exactly what is given: what a file says. Absent sections stay. */
  | { readonly kind: "putDocument"; readonly document: Partial<NamespaceDocument> }
  /** Ends a ban, and forgets what the key was banned for. */
  | { readonly kind: "liftBan"; readonly policy: string; readonly key: string }
  /** Makes everything as it was at an earlier version; that is a new version. */
  | { readonly kind: "rollback"; readonly version: number };

/** An administrative change as it stands in the log. */
export interface AdminRequest {
  readonly namespace: string;
  readonly change: AdminChange;
  /** The version that the change was decided upon; another one refuses it. Null: whatever is there. */
  readonly expectedVersion: number | null;
  /** A repetition under the same id returns the first result. Null: it would be executed again. */
  readonly changeId: string | null;
  /** Who, in words; told by the history. */
  readonly author: string;
}

/** A change in canonical JSON has at most so many bytes. */
export const MAX_CHANGE_BYTES = 262_144;
const MAX_MEMBERS = 10_000;
const MAX_NAMESPACE_BYTES = 255;
const MAX_KEY_BYTES = 512;
const MAX_CHANGE_ID_BYTES = 128;
const MAX_AUTHOR_BYTES = 256;

/**
 * Reads a request from plain JSON, strictly, and brings it to its normal form.
 * @param writtenBytes Its length in canonical JSON, if it comes from there.
 * @throws {PolicyError} `invalid`, naming field, value, bound and what to do.
 */
export function readAdminRequest(value: unknown, writtenBytes?: number): AdminRequest {
  const fields = new Fields(value, "", ["namespace", "change", "expectedVersion", "changeId", "author"]);
  const request: AdminRequest = {
    namespace: fields.text("namespace", 0, MAX_NAMESPACE_BYTES),
    change: readAdminChange(fields.raw("change"), "change"),
    expectedVersion: isNothing(fields, "expectedVersion")
      ? null
      : fields.integer("expectedVersion", 0, Number.MAX_SAFE_INTEGER),
    changeId: isNothing(fields, "changeId") ? null : fields.name("changeId", MAX_CHANGE_ID_BYTES),
    author: fields.has("author") ? fields.text("author", 0, MAX_AUTHOR_BYTES) : "",
  };
  const bytes = writtenBytes ?? utf8Bytes(canonicalJson(request as unknown as Json));
  if (bytes > MAX_CHANGE_BYTES) {
    const message = `has ${bytes} bytes; it may have ${MAX_CHANGE_BYTES}: split it (a document by sections, a section by ChangePolicies, whose changes add to what is there)`;
    throw new PolicyError("invalid", "change", message);
  }
  return request;
}

function isNothing(fields: Fields, field: string): boolean {
  return !fields.has(field) || fields.raw(field) === null;
}

/** One change, strictly. @throws {PolicyError} `invalid` */
export function readAdminChange(value: unknown, path: string): AdminChange {
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  const reader = typeof kind === "string" && Object.hasOwn(readers, kind) ? readers[kind as AdminChange["kind"]] : null;
  if (reader === null) {
    const message = `is ${JSON.stringify(kind) ?? "missing"}; it must be one of ${Object.keys(readers).join(", ")}`;
    throw new PolicyError("invalid", `${path}.kind`, message);
  }
  return reader(value, path);
}

type Reader = (value: unknown, path: string) => AdminChange;

const readers: { readonly [Kind in AdminChange["kind"]]: Reader } = {
  putPolicies: (value, path) => {
    const policies = members(value, path, "policies", readPolicy, (policy) => policy.name);
    return { kind: "putPolicies", policies };
  },
  deletePolicies: (value, path) => ({ kind: "deletePolicies", names: names(value, path, MAX_POLICY_NAME_BYTES) }),
  putOverrides: (value, path) => {
    const overrides = members(value, path, "overrides", readOverride, (each) => overrideId(each.policy, each.key));
    return { kind: "putOverrides", overrides };
  },
  deleteOverrides: (value, path) => {
    const overrides = members(value, path, "overrides", readOverrideName, (each) => overrideId(each.policy, each.key));
    return { kind: "deleteOverrides", overrides };
  },
  putTiers: (value, path) => ({
    kind: "putTiers",
    tiers: members(value, path, "tiers", readTier, (tier) => tier.name),
  }),
  deleteTiers: (value, path) => ({ kind: "deleteTiers", names: names(value, path, MAX_POLICY_NAME_BYTES) }),
  putTierKeys: (value, path) => {
    const tierKeys = members(value, path, "tierKeys", readTierKey, (each) => each.key);
    return { kind: "putTierKeys", tierKeys };
  },
  deleteTierKeys: (value, path) => {
    const fields = new Fields(value, path, ["kind", "keys"]);
    return { kind: "deleteTierKeys", keys: texts(fields, "keys", MAX_KEY_BYTES) };
  },
  putListEntries: (value, path) => {
    const entries = members(value, path, "entries", readListEntry, listEntryId);
    return { kind: "putListEntries", entries };
  },
  deleteListEntries: (value, path) => {
    const entries = members(value, path, "entries", readListEntry, listEntryId);
    return { kind: "deleteListEntries", entries };
  },
  setKeyQuota: (value, path) => {
    const fields = new Fields(value, path, ["kind", "maxKeys"]);
    return { kind: "setKeyQuota", maxKeys: readKeyQuota(fields, "maxKeys") };
  },
  putDocument: (value, path) => {
    const fields = new Fields(value, path, ["kind", "document"]);
    return { kind: "putDocument", document: readDocument(fields.raw("document"), `${path}.document`) };
  },
  liftBan: (value, path) => {
    const fields = new Fields(value, path, ["kind", "policy", "key"]);
    const policy = fields.name("policy", MAX_POLICY_NAME_BYTES);
    return { kind: "liftBan", policy, key: fields.text("key", 1, MAX_KEY_BYTES) };
  },
  rollback: (value, path) => {
    const fields = new Fields(value, path, ["kind", "version"]);
    return { kind: "rollback", version: fields.integer("version", 0, Number.MAX_SAFE_INTEGER) };
  },
};

/** A document as a file holds it: any of its sections, each as a whole. @throws {PolicyError} `invalid` */
export function readDocument(value: unknown, path: string): Partial<NamespaceDocument> {
  const fields = new Fields(value, path, ["policies", "overrides", "tiers", "tierKeys", "lists", "maxKeys"]);
  return {
    ...(fields.has("policies") && { policies: list(fields, "policies", readPolicy, (each) => each.name) }),
    ...(fields.has("overrides") && {
      overrides: list(fields, "overrides", readOverride, (each) => overrideId(each.policy, each.key)),
    }),
    ...(fields.has("tiers") && { tiers: list(fields, "tiers", readTier, (each) => each.name) }),
    ...(fields.has("tierKeys") && { tierKeys: list(fields, "tierKeys", readTierKey, (each) => each.key) }),
    ...(fields.has("lists") && { lists: list(fields, "lists", readListEntry, listEntryId) }),
    ...(fields.has("maxKeys") && { maxKeys: readKeyQuota(fields, "maxKeys") }),
  };
}

function readOverrideName(value: unknown, path: string): Pick<OverrideDocument, "policy" | "key"> {
  const fields = new Fields(value, path, ["policy", "key"]);
  return { policy: fields.name("policy", MAX_POLICY_NAME_BYTES), key: fields.text("key", 1, MAX_KEY_BYTES) };
}

function members<T>(
  value: unknown,
  path: string,
  field: string,
  read: (value: unknown, path: string) => T,
  idOf: (member: T) => string,
): readonly T[] {
  const fields = new Fields(value, path, ["kind", field]);
  const found = list(fields, field, read, idOf);
  if (found.length === 0) fields.refuse(field, "is empty; a change must change something");
  return found;
}

/** The members of a list, each once. */
function list<T>(
  fields: Fields,
  field: string,
  read: (value: unknown, path: string) => T,
  idOf: (member: T) => string,
): readonly T[] {
  const places = new Map<string, number>();
  return fields.list(field, MAX_MEMBERS).map((each, i) => {
    const member = read(each, `${fields.at(field)}[${i}]`);
    const earlier = places.get(idOf(member));
    if (earlier !== undefined)
      fields.refuse(`${field}[${i}]`, `says the same as ${field}[${earlier}]; keep one of them`);
    places.set(idOf(member), i);
    return member;
  });
}

function names(value: unknown, path: string, mostBytes: number): readonly string[] {
  return texts(new Fields(value, path, ["kind", "names"]), "names", mostBytes);
}

function texts(fields: Fields, field: string, mostBytes: number): readonly string[] {
  const read = (value: unknown, path: string): string =>
    new Fields({ text: value }, path, ["text"]).text("text", 1, mostBytes);
  const found = list(fields, field, read, (each) => each);
  if (found.length === 0) fields.refuse(field, "is empty; a change must change something");
  return found;
}
