import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConfChange } from "../types.ts";
import { decodeConfChange, encodeConfChange } from "./codec.ts";

const change: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom("auto", "implicit", "explicit"),
  changes: fc.array(
    fc.record({
      kind: fc.constantFrom("addVoter", "addLearner", "remove", "update"),
      nodeId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    }),
    { maxLength: 5 },
  ),
  context: fc.uint8Array({ maxLength: 20 }),
});

test("what is encoded is decoded", () => {
  fc.assert(
    fc.property(change, (original) => {
      expect(decodeConfChange(encodeConfChange(original))).toEqual(original);
    }),
  );
});

test("leaving a joint configuration takes no bytes", () => {
  expect(encodeConfChange({ transition: "auto", changes: [], context: new Uint8Array(0) })).toHaveLength(0);
});

test("any bytes are decoded or refused, never a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeConfChange(bytes);
      if (decoded !== null) expect(decodeConfChange(encodeConfChange(decoded))).toEqual(decoded);
    }),
    { numRuns: 2_000 },
  );
  expect(decodeConfChange(Uint8Array.of(2, 0, 0, 0))).toBeNull();
  expect(decodeConfChange(Uint8Array.of(1, 9, 0, 0))).toBeNull();
  expect(decodeConfChange(Uint8Array.of(1, 0, 0, 1))).toBeNull();
});
