import { describe, expect, test } from "vitest";
import { createSuccession, REPLACED_AFTER_MS, type TriedEndpoint } from "./succession.ts";

const other = (endpoint: string, failedMs: number, strangerId: string | null = "new"): TriedEndpoint => ({
  endpoint,
  ready: false,
  strangerId,
  failedMs,
});
const LATER = REPLACED_AFTER_MS + 1;

describe("another cluster takes the known one's place", () => {
  test("once it alone has answered for long enough, and every address was tried again", () => {
    const succession = createSuccession(["a", "b"]);
    expect(succession.successor([other("a", 0), other("b", 0, null)], 0)).toBe(null);
    expect(succession.successor([other("a", LATER), other("b", 0, null)], LATER)).toBe(null);
    expect(succession.successor([other("a", LATER), other("b", LATER, null)], LATER)).toBe("new");
  });

  test("not while anybody speaks for the known one, from which on the wait begins anew", () => {
    const succession = createSuccession(["a", "b"]);
    succession.successor([other("a", 0), other("b", 0)], 0);
    expect(succession.successor([other("a", LATER), { ...other("b", 0), ready: true }], LATER)).toBe(null);
    expect(succession.successor([other("a", LATER), other("b", LATER)], LATER)).toBe(null);
    const end = 2 * LATER + 1;
    expect(succession.successor([other("a", end), other("b", end)], end)).toBe("new");
  });

  test.each([
    ["two others answer", [other("a", LATER), other("b", LATER, "third")]],
    ["one does not say which it is", [other("a", LATER), other("b", LATER, "")]],
    ["nobody answers any more", [other("a", LATER, null), other("b", LATER, null)]],
    [
      "only an address that nobody configured answers",
      [other("a", LATER, null), other("b", LATER, null), other("m", LATER)],
    ],
  ])("not when %s", (_, tried) => {
    const succession = createSuccession(["a", "b"]);
    succession.successor([other("a", 0), other("b", 0)], 0);
    expect(succession.successor(tried, LATER)).toBe(null);
  });
});
