import fc from "fast-check";
import { expect, it } from "vitest";
import { divideProduct, division, drained, MAX_SAFE } from "./arithmetic.ts";

const int31 = fc.oneof(
  fc.integer({ min: 1, max: 2_147_483_647 }),
  fc.constantFrom(1, 2, 65_535, 65_536, 2_147_483_647),
);
const window = fc.oneof(
  fc.maxSafeInteger().map((n) => 1_000 + (Math.abs(n) % 34_559_999_999_001)),
  fc.constant(34_560_000_000_000),
);

/** Counts that debts brought above the largest limit, and what is asked for on top. */
const count33 = fc.oneof(int31, fc.integer({ min: 1, max: 8_589_934_591 }), fc.constant(8_589_934_591));
const int32 = fc.oneof(int31, fc.integer({ min: 1, max: 4_294_967_295 }), fc.constant(4_294_967_295));

it("divides products beyond 2^53 as exactly as BigInt does", () => {
  fc.assert(
    fc.property(count33, window, fc.maxSafeInteger(), int32, (count, unit, any, divisor) => {
      const rest = Math.abs(any) % unit;
      divideProduct(count, unit, rest, divisor);
      const product = BigInt(count) * BigInt(unit) + BigInt(rest);
      const quotient = product / BigInt(divisor);
      if (quotient > BigInt(MAX_SAFE)) expect(division.quotient).toBe(Number.POSITIVE_INFINITY);
      else expect(BigInt(division.quotient)).toBe(quotient);
      expect(BigInt(division.remainder)).toBe(product % BigInt(divisor));
    }),
    { numRuns: 2_000 },
  );
});

it("drains as exactly as BigInt does, or more than any bucket holds", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), int32, window, (any, limit, unit) => {
      const elapsed = Math.abs(any);
      drained(elapsed, limit, unit);
      const product = BigInt(elapsed) * BigInt(limit);
      if (division.quotient === Number.POSITIVE_INFINITY) {
        expect(product / BigInt(unit)).toBeGreaterThan(4_294_967_295n);
        return;
      }
      expect(BigInt(division.quotient)).toBe(product / BigInt(unit));
      expect(BigInt(division.remainder)).toBe(product % BigInt(unit));
    }),
    { numRuns: 2_000 },
  );
});
