import { BinaryReader } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { decisionsPlans } from "../scenarios/decisions.ts";
import { gopherGuardRequest, gubernatorRequest } from "./go-limiters.ts";

const rules = decisionsPlans.flatMap(({ points }) => points.map(({ rule }) => rule));

test.each(rules)("Gubernator is told a limit of $limit in $windowMs ms, and of which key", (rule) => {
  const reader = new BinaryReader(gubernatorRequest("a key", rule));
  expect(reader.uint32() >>> 3).toBe(1);
  const one = new BinaryReader(reader.bytes());
  const told = { name: text(one), key: text(one), hits: number(one), limit: number(one), duration: number(one) };
  expect(told).toEqual({ name: "bench", key: "a key", hits: 1, limit: rule.limit, duration: rule.windowMs });
  expect(reader.pos).toBe(reader.len);
});

test.each(rules)("Gopher-Guard is told a limit of $limit in $windowMs ms, or in the longest that it knows", (rule) => {
  const reader = new BinaryReader(gopherGuardRequest("a key", rule));
  const told = { key: text(reader), limit: number(reader), windowMs: number(reader) };
  expect(told).toEqual({ key: "a key", limit: rule.limit, windowMs: Math.min(rule.windowMs, 2_147_483_647) });
});

/** The value of the next field, whatever its number. */
function text(reader: BinaryReader): string {
  reader.tag();
  return reader.string();
}

function number(reader: BinaryReader): number {
  reader.tag();
  return Number(reader.int64());
}
