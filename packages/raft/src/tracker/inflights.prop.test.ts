import fc from "fast-check";
import { expect, test } from "vitest";
import { Inflights } from "./inflights.ts";

test("the ring behaves as a list of messages, freed from the front", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.nat({ max: 9 }) }) },
      fc.record({ free: fc.nat({ max: 6 }) }),
      { weight: 1, arbitrary: fc.constant({ reset: true }) },
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const inflights = new Inflights(12, 40);
      let model: { index: number; bytes: number }[] = [];
      let next = 1;
      for (const step of list) {
        if ("add" in step) {
          if (inflights.full) continue;
          model.push({ index: next, bytes: step.add });
          inflights.add(next++, step.add);
        } else if ("free" in step) {
          const to = (model[0]?.index ?? next) + step.free - 1;
          model = model.filter(({ index }) => index > to);
          inflights.freeTo(to);
        } else {
          model = [];
          inflights.reset();
        }
        const bytes = model.reduce((sum, message) => sum + message.bytes, 0);
        expect([inflights.count, inflights.bytes]).toEqual([model.length, bytes]);
        expect(inflights.full).toBe(model.length >= 12 || bytes >= 40);
      }
    }),
  );
});
