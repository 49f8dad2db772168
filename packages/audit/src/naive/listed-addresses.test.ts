import {
  Algorithm,
  createEntryWriter,
  createLimiter,
  Outcome,
  type PolicyDocument,
  readAdminRequest,
} from "@quorumguard/limiter";
import { expect, it } from "vitest";
import { createNaiveRecords } from "./naive-records.ts";

const ranges = ["192.0.2.0/24", "192.0.2.8/29", "::ffff:192.0.2.0/120", "2001:db8::/32", "2001:db8:1:2::/65", "::/0"];
const addresses = [
  ...["192.0.2.7", "::ffff:192.0.2.9", "192.0.2.0/25", "192.0.2.7/24", "192.0.0.0/16", "192.0.3.7", "192.0.2.7:443"],
  ...["2001:db8::7", "2001:DB8::7", "2001:db8:1:2::/64", "::", "1::2::3", "unknown", ""],
];
const keys = addresses.flatMap((text) => [`${text}`, `ip:${text}`, `ip:[${text}]`, `[${text}]`, `user:${text}`]);
const rule = { algorithm: Algorithm.slidingWindowLog, limit: 1_000, windowUs: 1_000_000, burst: 0, policy: "" };
const stampUs = 1_763_000_000_000_000;

it("A1 the model and the limiter agree on which keys a range holds, however an address is written", () => {
  const found: string[] = [];
  for (const value of ranges) {
    const change = { kind: "putListEntries", entries: [{ list: "deny", match: "range", value }] };
    const request = readAdminRequest({ namespace: "", change });
    const records = createNaiveRecords();
    records.administer(
      request,
      (edits: readonly { readonly from: PolicyDocument | null }[]) => expect(edits).toEqual([]),
      () => false,
    );
    const limiter = createLimiter();
    const writer = createEntryWriter();
    writer.begin({ takeover: false });
    writer.administer(request);
    for (const key of keys.filter((each) => each !== "")) {
      const keyBytes = new TextEncoder().encode(key);
      const columns = { costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null, ruleIndexes: null };
      const spans = { keyStarts: Uint32Array.of(0), keyLengths: Uint32Array.of(keyBytes.length) };
      const batch = { firstNumber: 0, calls: 1, items: 1, rules: [rule], keyBytes, ...spans, ...columns };
      writer.calls({ kind: "anonymous", namespace: "" }, batch, 0, 1);
    }
    const { outcomes } = limiter.apply(1, writer.finish(stampUs)).results;
    for (const [at, key] of keys.filter((each) => each !== "").entries()) {
      const isListed = outcomes[at] === Outcome.blocked;
      expect(records.list("", "", key) === "deny", `${value} and ${key}`).toBe(isListed);
      if (isListed) found.push(`${value} ${key}`);
    }
  }
  expect(found).toContain("192.0.2.0/24 ip:192.0.2.7");
  expect(found).toContain("2001:db8::/32 ip:2001:db8:1:2::/64");
  expect(found).not.toContain("192.0.2.0/24 user:192.0.2.7");
});
