import { readRange, writeRange } from "./address.ts";
import {
  algorithmNames,
  type BanDocument,
  type ListEntryDocument,
  type OverrideDocument,
  type PolicyDocument,
  type TierDocument,
  type TierKeyDocument,
  type TierLimit,
} from "./documents.ts";
import { durationMs, Fields, MAX_DURATION_MS, shown } from "./fields.ts";

/** Longest name of a policy or tier, in bytes. */
export const MAX_POLICY_NAME_BYTES = 128;
const MAX_INT32 = 2147483647;
const MAX_KEY_BYTES = 512;
const MAX_DESCRIPTION_BYTES = 512;
/** Denials that a ban may wait for: each is remembered with its stamp, and they must fit in one block. */
export const MAX_BAN_DENIALS = 512;
const MAX_BAN_DURATIONS = 16;
const MAX_TIER_LIMITS = 256;

/** A policy, checked and in its normal form: defaults that change nothing are left out. @throws {PolicyError} */
export function readPolicy(value: unknown, path: string): PolicyDocument {
  const fields = new Fields(value, path, [
    "name",
    "algorithm",
    "limit",
    "window",
    "windowMs",
    "burst",
    "ban",
    "shadow",
    "onUnavailable",
    "lease",
    "description",
  ]);
  const name = fields.name("name", MAX_POLICY_NAME_BYTES);
  const algorithm = fields.has("algorithm") ? fields.choice("algorithm", algorithmNames) : "sliding-window-log";
  const limit = fields.integer("limit", 0, MAX_INT32);
  const windowMs = fields.durationMs("window");
  if (fields.has("burst") && algorithm !== "token-bucket") {
    fields.refuse("burst", `belongs to token-bucket; algorithm is ${algorithm}: leave burst out`);
  }
  if (algorithm === "concurrency" && fields.has("lease") && fields.boolean("lease")) {
    fields.refuse("lease", "is true; slots of concurrency are never leased: leave it out");
  }
  return {
    algorithm,
    ...(fields.has("ban") && { ban: readBan(fields.raw("ban"), fields.at("ban")) }),
    ...(algorithm === "token-bucket" && { burst: readBurst(fields) ?? Math.max(1, limit) }),
    ...readDescription(fields),
    ...(fields.has("lease") && { lease: fields.boolean("lease") }),
    limit,
    name,
    ...(fields.has("onUnavailable") && {
      onUnavailable: fields.choice("onUnavailable", ["local", "allow", "deny", "throw"]),
    }),
    ...(fields.has("shadow") && fields.boolean("shadow") && { shadow: true }),
    windowMs,
  };
}

function readBurst(fields: Fields): number | undefined {
  return fields.has("burst") ? fields.integer("burst", 1, MAX_INT32) : undefined;
}

function readDescription(fields: Fields): { readonly description?: string } {
  return fields.has("description") ? { description: fields.text("description", 0, MAX_DESCRIPTION_BYTES) } : {};
}

function readBan(value: unknown, path: string): BanDocument {
  const fields = new Fields(value, path, [
    "denials",
    "window",
    "windowMs",
    "duration",
    "durationMs",
    "durations",
    "durationsMs",
    "factor",
    "maxDuration",
    "maxDurationMs",
    "forgetAfter",
    "forgetAfterMs",
  ]);
  const denials = fields.integer("denials", 1, MAX_BAN_DENIALS);
  const windowMs = fields.durationMs("window");
  const durationsMs = readDurations(fields);
  const factor = fields.has("factor") ? fields.integer("factor", 1, 1_000) : 1;
  const maxDurationMs = fields.hasDuration("maxDuration") ? fields.durationMs("maxDuration") : null;
  if (factor > 1 && maxDurationMs === null) {
    fields.refuse("maxDuration", `is missing; with a factor of ${factor} say how long a ban may last at most`);
  }
  const longestMs = Math.max(...durationsMs);
  if (maxDurationMs !== null && maxDurationMs < longestMs) {
    fields.refuse("maxDuration", `is ${maxDurationMs} ms; a duration of ${longestMs} ms is longer`);
  }
  const forgetAfterMs = fields.hasDuration("forgetAfter")
    ? fields.durationMs("forgetAfter")
    : Math.min(MAX_DURATION_MS, Math.max(windowMs, maxDurationMs ?? longestMs));
  return {
    denials,
    durationsMs,
    ...(factor > 1 && { factor }),
    forgetAfterMs,
    ...(maxDurationMs !== null && { maxDurationMs }),
    windowMs,
  };
}

/** One duration, or a list of them; in milliseconds or as text. */
function readDurations(fields: Fields): readonly number[] {
  const forms = ["duration", "durationMs", "durations", "durationsMs"].filter((form) => fields.has(form));
  if (forms.length !== 1) {
    fields.refuse(
      "durations",
      forms.length === 0
        ? 'is missing; say how long a ban lasts, such as ["1m", "10m", "1h"]'
        : `: ${forms.join(" and ")} are given; leave one of them out`,
    );
  }
  if (fields.hasDuration("duration")) return [fields.durationMs("duration")];
  const [form] = forms;
  const list = fields.list(form!, MAX_BAN_DURATIONS);
  if (list.length === 0) fields.refuse(form!, `is empty; it must have 1 to ${MAX_BAN_DURATIONS} durations`);
  return list.map((each, i) => {
    const path = `${fields.at(form!)}[${i}]`;
    if (form === "durations") return durationMs(each, path);
    if (typeof each === "number" && Number.isInteger(each) && each >= 1 && each <= MAX_DURATION_MS) return each;
    return fields.refuse(`${form}[${i}]`, `is ${shown(each)}; it must be a whole number from 1 to ${MAX_DURATION_MS}`);
  });
}

/** Other numbers for one key. @throws {PolicyError} */
export function readOverride(value: unknown, path: string): OverrideDocument {
  const fields = new Fields(value, path, ["policy", "key", "limit", "burst"]);
  const burst = readBurst(fields);
  return {
    ...(burst !== undefined && { burst }),
    key: fields.text("key", 1, MAX_KEY_BYTES),
    limit: fields.integer("limit", 0, MAX_INT32),
    policy: fields.name("policy", MAX_POLICY_NAME_BYTES),
  };
}

/** A tier; its rows come out in the order of their policies. @throws {PolicyError} */
export function readTier(value: unknown, path: string): TierDocument {
  const fields = new Fields(value, path, ["name", "limits"]);
  const limits = fields.list("limits", MAX_TIER_LIMITS).map((each, i) => readTierLimit(each, `${path}.limits[${i}]`));
  const policies = new Set<string>();
  for (const { policy } of limits) {
    if (policies.has(policy)) fields.refuse("limits", `names the policy ${shown(policy)} twice; keep one row`);
    policies.add(policy);
  }
  return {
    limits: limits.sort((a, b) => (a.policy < b.policy ? -1 : 1)),
    name: fields.name("name", MAX_POLICY_NAME_BYTES),
  };
}

function readTierLimit(value: unknown, path: string): TierLimit {
  const fields = new Fields(value, path, ["policy", "limit", "burst"]);
  const burst = readBurst(fields);
  return {
    ...(burst !== undefined && { burst }),
    limit: fields.integer("limit", 0, MAX_INT32),
    policy: fields.name("policy", MAX_POLICY_NAME_BYTES),
  };
}

/** Which tier a key is in. @throws {PolicyError} */
export function readTierKey(value: unknown, path: string): TierKeyDocument {
  const fields = new Fields(value, path, ["key", "tier"]);
  return { key: fields.text("key", 1, MAX_KEY_BYTES), tier: fields.name("tier", MAX_POLICY_NAME_BYTES) };
}

/** A row of the allow-list or deny-list; a range comes out in its one normal form. @throws {PolicyError} */
export function readListEntry(value: unknown, path: string): ListEntryDocument {
  const fields: Fields = new Fields(value, path, ["list", "match", "value", "policy", "description"]);
  const list = fields.choice("list", ["allow", "deny"]);
  const match = fields.choice("match", ["key", "prefix", "range"]);
  const text = fields.text("value", 1, MAX_KEY_BYTES);
  const range = match === "range" ? readRange(text) : null;
  if (typeof range === "string") fields.refuse("value", `: ${range}`);
  return {
    ...readDescription(fields),
    list,
    match,
    ...(fields.has("policy") && { policy: fields.name("policy", MAX_POLICY_NAME_BYTES) }),
    value: range === null ? text : writeRange(range),
  };
}

/** A namespace's quota of keys; null: none of its own. @throws {PolicyError} */
export function readKeyQuota(fields: Fields, field: string): number | null {
  return fields.raw(field) === null ? null : fields.integer(field, 1, 100_000_000);
}
