import { ErrorReasonSchema, OutcomeSchema } from "@quorumguard/proto";
import { beforeAll, expect, test } from "vitest";
import { GuardError, guardErrorCodes, isUnavailable } from "../../../packages/sdk-core/src/surface/guard-error.ts";
import { readErrorFacts } from "./error-facts.ts";
import { type ErrorFacts, errorsPage } from "./errors.ts";
import { sharedApi } from "./testing/shared-api.ts";
import { readWireContract } from "./wire/contract.ts";

let facts: ErrorFacts;
let body: string;
beforeAll(async () => {
  const [api, wire] = await Promise.all([sharedApi(), readWireContract()]);
  facts = readErrorFacts(api, wire);
  body = errorsPage(facts).body;
}, 120_000);

const codes = Object.keys(guardErrorCodes) as (keyof typeof guardErrorCodes)[];

test.each(codes)("%s has one row, with a meaning, its retry safety and who decides", (code) => {
  const [codeTable = ""] = body.split("## On the wire");
  const rows = codeTable.split("\n").filter((line) => line.startsWith(`| \`${code}\` |`));
  expect(rows).toHaveLength(1);
  expect(facts.codes.find((one) => one.code === code)?.meaning).toMatch(/\w+.*\.$/);
  const { retry } = new GuardError(code, "x");
  expect(rows[0]?.endsWith(`. | ${retry} | ${isUnavailable(code) ? "decides" : ""} |`)).toBe(true);
  expect(codeTable).toContain(`\`${retry}\`: `);
});

test("every reason of the wire has one row with its status; every value but 0", () => {
  expect(facts.reasons.map(({ reason }) => reason)).toEqual(ErrorReasonSchema.values.slice(1).map(({ name }) => name));
  for (const { reason, statuses, applied, meaning } of facts.reasons) {
    expect(statuses.length, reason).toBeGreaterThan(0);
    expect(meaning, reason).toMatch(/\w\.$/);
    expect(applied.length, reason).toBeGreaterThan(0);
  }
});

test("what may have been applied is never shown as UNAVAILABLE alone", () => {
  const unavailable = facts.reasons.find(({ reason }) => reason === "ERROR_REASON_UNAVAILABLE");
  expect(unavailable).toMatchObject({
    applied: ["APPLIED_NO", "APPLIED_UNKNOWN"],
    statuses: [
      { grpc: "UNAVAILABLE", http: 503 },
      { grpc: "UNKNOWN", http: 500 },
    ],
  });
});

test("outcomes from 16 on are no decisions, and all of them have a row", () => {
  expect(facts.outcomes.map(({ reason }) => reason)).toEqual(
    OutcomeSchema.values.filter(({ number }) => number >= 16).map(({ name }) => name),
  );
});

test("denials have the statuses of the type's comment", () => {
  expect(body).toMatch(
    /\| `limited` \| 429 \|\n\| `banned` \| 403 \|\n\| `blocked` \| 403 \|\n\| `unavailable` \| 503 \|/,
  );
  const broken = { ...facts, denialReasons: { ...facts.denialReasons, comment: "`limited` (429), `banned`." } };
  expect(() => errorsPage(broken)).toThrow("no HTTP status for banned");
});

test("every source says whether it is exact or degraded", () => {
  const [, sources = ""] = body.split("## Sources of a decision");
  const rows = sources.split("\n").filter((line) => line.startsWith("| `") && !line.includes("`source`"));
  expect(rows).toHaveLength(facts.sources.fields.length);
  for (const row of rows) expect(row).toMatch(/exact|degraded/);
});
