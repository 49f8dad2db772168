import { create } from "@bufbuild/protobuf";
import { PolicyRevisionSchema } from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { policyHistoryText } from "./policy-history-text.ts";

const revision = (version: bigint) =>
  create(PolicyRevisionSchema, {
    version,
    stampUs: 1_763_000_000_000_000n,
    author: "ann",
    kind: "putPolicies",
    edits: [`edit ${version}`],
  });
const line = (version: number) => `version ${version}  2025-11-13T02:13:20.000Z  putPolicies by ann\n  edit ${version}`;

describe("the history of policies as text", () => {
  it("says that nothing was ever set only if nothing was", () => {
    expect(policyHistoryText("", 0n, [], 20)).toBe("nothing was ever set for the default namespace");
    expect(policyHistoryText("shop", 7n, [], 20)).toBe(
      'the namespace "shop" is at version 7; what was before is no longer kept',
    );
  });

  it("tells the changes, and where they end because older ones are no longer kept", () => {
    expect(policyHistoryText("", 7n, [revision(7n), revision(6n)], 20)).toBe(
      `${line(7)}\n${line(6)}\nolder changes are no longer kept: a rollback reaches back to version 5`,
    );
    expect(policyHistoryText("", 2n, [revision(2n), revision(1n)], 20)).toBe(`${line(2)}\n${line(1)}`);
    // There may be more than were asked for.
    expect(policyHistoryText("", 7n, [revision(7n), revision(6n)], 2)).toBe(`${line(7)}\n${line(6)}`);
  });
});
