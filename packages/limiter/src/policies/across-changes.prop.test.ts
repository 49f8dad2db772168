import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";

const minute = 60_000_000;
const log = (limit: number, minutes: number) => ({
  name: "api",
  algorithm: "sliding-window-log",
  limit,
  windowMs: minutes * 60_000,
});
type Numbers = ReturnType<typeof log>;
const nameAlone = byName("api");

/** Takes all that is left; returns how much that was. */
function takeAll(harness: PolicyHarness, stampUs: number): number {
  let count = 0;
  while (harness.one(stampUs, "k", nameAlone).outcome === Outcome.allowed) count++;
  return count;
}

interface Admission {
  readonly atUs: number;
  /** As of which stamp it counts: a rule that takes over counts it as of then. */
  countsAtUs: number;
  /** Its window was over while it was the one in force. */
  forgotten: boolean;
}

interface Drawn {
  readonly limit: number;
  readonly minutes: number;
}

/** A rule in force from a stamp on. */
interface Reign {
  readonly rule: Numbers;
  readonly fromUs: number;
}

/** Every admission by itself: what the rule in force counts, and what it has forgotten. */
class Witness {
  readonly #admissions: Admission[] = [];
  readonly #reigns: Reign[] = [];

  #forget(stampUs: number): void {
    const { rule } = this.#reigns.at(-1)!;
    for (const each of this.#admissions) each.forgotten ||= each.countsAtUs + rule.windowMs * 1_000 <= stampUs;
  }

  change(rule: Numbers, stampUs: number): void {
    if (this.#reigns.length > 0) this.#forget(stampUs);
    if (this.#reigns.at(-1)?.rule.windowMs !== rule.windowMs) {
      for (const each of this.#admissions) if (!each.forgotten) each.countsAtUs = stampUs;
    }
    this.#reigns.push({ rule, fromUs: stampUs });
  }

  admit(stampUs: number): void {
    this.#forget(stampUs);
    this.#admissions.push({ atUs: stampUs, countsAtUs: stampUs, forgotten: false });
  }

  /** What was admitted in the window that ends now, the largest limit in force in it, and what a rule forgot of it. */
  tell(stampUs: number) {
    const { rule } = this.#reigns.at(-1)!;
    const fromUs = stampUs - rule.windowMs * 1_000;
    const inWindow = this.#admissions.filter(({ atUs }) => atUs > fromUs);
    const reigning = this.#reigns.filter((_, at) => (this.#reigns[at + 1]?.fromUs ?? stampUs + 1) > fromUs);
    return {
      counted: this.#admissions.filter(({ forgotten }) => !forgotten).length,
      limit: rule.limit,
      admitted: inWindow.length,
      largest: Math.max(...reigning.map((reign) => reign.rule.limit)),
      forgotten: inWindow.filter(({ forgotten }) => forgotten).length,
    };
  }
}

describe("K1 the bound across changes of a rule", () => {
  const rule: fc.Arbitrary<Drawn> = fc.record({
    limit: fc.integer({ min: 0, max: 8 }),
    minutes: fc.constantFrom(1, 2, 3, 6),
  });
  const waitUs = fc.oneof(fc.nat(minute), fc.nat(6 * minute));
  const takes = fc.nat(9);
  const some = fc.array(fc.record({ waitUs, to: fc.option(rule, { freq: 3 }), takes }), {
    minLength: 5,
    maxLength: 60,
  });
  // So many in so short a time that not all is kept of what was counted.
  const brief: fc.Arbitrary<Drawn> = fc.record({
    limit: fc.integer({ min: 0, max: 8 }),
    minutes: fc.constantFrom(1 / 6, 1 / 3, 6),
  });
  const soon = fc.record({ waitUs: fc.nat(minute / 4), to: brief, takes: fc.nat(3) });
  const many = fc.array(soon, { minLength: 60, maxLength: 90 });

  it.each([
    ["some", 200, some],
    ["many", 40, many],
  ])(
    "in any window of the rule in force: the largest limit in force in it, and what shorter windows forgot of it, of %s changes",
    (_, numRuns, script) => {
      const seen = { denied: 0, forgotten: 0 };
      fc.assert(
        fc.property(rule, script, (first, steps) => {
          const harness = new PolicyHarness();
          const witness = new Witness();
          let stampUs = START_US;
          const change = ({ limit, minutes }: Drawn) => {
            expect(harness.change(putPolicy(log(limit, minutes)), {}, stampUs).error).toBeNull();
            witness.change(log(limit, minutes), stampUs);
          };
          change(first);
          for (const { waitUs, to, takes } of steps) {
            stampUs += waitUs;
            if (to !== null) change(to);
            for (let i = 0; i < takes; i++) {
              if (harness.one(stampUs, "k", nameAlone).outcome !== Outcome.allowed) {
                seen.denied++;
                break;
              }
              witness.admit(stampUs);
              const { counted, limit, admitted, largest, forgotten } = witness.tell(stampUs);
              expect(counted).toBeLessThanOrEqual(limit);
              expect(admitted).toBeLessThanOrEqual(largest + forgotten);
              seen.forgotten += forgotten;
            }
          }
        }),
        { numRuns },
      );
      expect(seen.denied * seen.forgotten).toBeGreaterThan(0);
    },
  );

  it("that bound is reached: 100 an hour, 50 a half hour, 100 an hour again admits 150 in an hour, as without the first", () => {
    for (const before of [log(100, 60), log(50, 30)]) {
      const harness = new PolicyHarness();
      harness.change(putPolicy(before));
      for (let i = 0; i < 50; i++) expect(harness.one(START_US, "k", nameAlone).outcome).toBe(Outcome.allowed);
      harness.change(putPolicy(log(50, 30)));
      expect(takeAll(harness, START_US)).toBe(0);
      expect(takeAll(harness, START_US + 30 * minute)).toBe(50);
      harness.change(putPolicy(log(100, 60)), {}, START_US + 30 * minute);
      expect(takeAll(harness, START_US + 30 * minute)).toBe(50);
      expect(takeAll(harness, START_US + 90 * minute - 1)).toBe(0);
    }
  });

  it("what the first rule had counted beyond that is remembered: 100 of an hour used leave nothing to its return", () => {
    const harness = new PolicyHarness();
    harness.change(putPolicy(log(100, 60)));
    expect(takeAll(harness, START_US)).toBe(100);
    harness.change(putPolicy(log(50, 30)));
    expect(takeAll(harness, START_US + 30 * minute)).toBe(50);
    harness.change(putPolicy(log(100, 60)), {}, START_US + 30 * minute);
    expect(takeAll(harness, START_US + 30 * minute)).toBe(0);
  });
});
