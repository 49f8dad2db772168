import { ErrorReason } from "@quorumguard/proto";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { createRefusals, refusedTokensMetric } from "./refusals.ts";
import { forbidden, unauthenticated } from "./token-refusal.ts";

it("counts refusals by reason, from 0 on, and nothing else", async () => {
  const registry = new Registry();
  const refused = createRefusals({ count: refusedTokensMetric(registry), log: () => {}, monotonicMs: () => 0 });
  refused(unauthenticated(ErrorReason.TOKEN_EXPIRED, ""));
  refused(forbidden(ErrorReason.KEY_FORBIDDEN, ""));
  refused(forbidden(ErrorReason.KEY_FORBIDDEN, ""));
  refused(new Error("something else"));
  const { values } = await registry.getSingleMetric("quorumguard_refused_tokens_total")!.get();
  const counts = new Map(values.map(({ labels, value }) => [labels.reason, value]));
  expect([...counts].filter(([, count]) => count > 0)).toEqual([
    ["token-expired", 1],
    ["key-forbidden", 2],
  ]);
  expect(counts.get("token-replayed")).toBe(0);
  expect(counts.get("token-overused")).toBe(0);
  expect(counts.size).toBe(15);
});

it("tells each reason at once, and again after ten seconds, with how many there were", () => {
  const lines: unknown[] = [];
  let nowMs = 0;
  const refused = createRefusals({
    count: () => {},
    log: (_level, event, fields) => void lines.push([event, fields]),
    monotonicMs: () => nowMs,
  });
  const expired = unauthenticated(ErrorReason.TOKEN_EXPIRED, "");
  for (nowMs of [0, 1, 9_999, 10_000]) refused(expired);
  refused(forbidden(ErrorReason.KEY_FORBIDDEN, ""));
  expect(lines).toEqual([
    ["token-refused", { reason: "token-expired", refusals: 1 }],
    ["token-refused", { reason: "token-expired", refusals: 3 }],
    ["token-refused", { reason: "key-forbidden", refusals: 1 }],
  ]);
});
