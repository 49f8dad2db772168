import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpaceSaving } from "./space-saving.ts";

const capacities = fc.integer({ min: 1, max: 12 });
/** Few names, so that some are heavy, and as many as are more than there are places. */
const streams = fc.array(
  fc.tuple(fc.oneof(fc.constant("hot"), fc.integer({ min: 0, max: 30 }).map(String)), fc.integer({ min: 1, max: 9 })),
  { maxLength: 300 },
);

function run(capacity: number, stream: readonly (readonly [string, number])[]) {
  const sketch = new SpaceSaving(capacity);
  const exact = new Map<string, number>();
  let total = 0;
  for (const [name, weight] of stream) {
    sketch.add(name, weight);
    exact.set(name, (exact.get(name) ?? 0) + weight);
    total += weight;
  }
  return { sketch, exact, total };
}

describe("the sketch of heavy names, against exact counts", () => {
  it("never keeps more names than it has places, and counts their whole weight once", () => {
    fc.assert(
      fc.property(capacities, streams, (capacity, stream) => {
        const { sketch, exact, total } = run(capacity, stream);
        const entries = sketch.entries();
        expect(entries.length).toBe(Math.min(capacity, exact.size));
        expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
        expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(total);
      }),
    );
  });

  it("holds every count between what is true and what is true plus its own overcount", () => {
    fc.assert(
      fc.property(capacities, streams, (capacity, stream) => {
        const { sketch, exact, total } = run(capacity, stream);
        for (const { name, count, overcount } of sketch.entries()) {
          expect(count).toBeGreaterThanOrEqual(exact.get(name)!);
          expect(count - overcount).toBeLessThanOrEqual(exact.get(name)!);
          expect(overcount).toBeLessThanOrEqual(total / capacity);
        }
      }),
    );
  });

  it("keeps every name heavier than the total by the places, and says what the others weigh at most", () => {
    fc.assert(
      fc.property(capacities, streams, (capacity, stream) => {
        const { sketch, exact, total } = run(capacity, stream);
        for (const [name, weight] of exact) {
          if (weight > total / capacity) expect(sketch.get(name)).not.toBeNull();
          if (sketch.get(name) === null) expect(weight).toBeLessThanOrEqual(sketch.floor);
        }
      }),
    );
  });

  it("is exact while there are places enough", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { sketch, exact } = run(64, stream);
        expect(new Map(sketch.entries().map(({ name, count }) => [name, count]))).toEqual(exact);
        expect(sketch.entries().every(({ overcount }) => overcount === 0)).toBe(true);
      }),
    );
  });

  it("refuses to have no place", () => {
    expect(() => new SpaceSaving(0)).toThrow("capacity is 0: it must be a whole number, 1 or more");
  });
});
