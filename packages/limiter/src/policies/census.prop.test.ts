import fc from "fast-check";
import { expect, it } from "vitest";
import { QuotaRule } from "../keys/quota-rule.ts";
import { Heap } from "../memory/heap.ts";
import { Census } from "./census.ts";
import { namePrefix } from "./move-lineages.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

function ruleOf(namespace: string, policy: string, windowUs: number, epoch: number): QuotaRule {
  const rule = new QuotaRule();
  const name = bytesOf(policy);
  rule.set(bytesOf(namespace), 1, 5, windowUs, 0, name, 0, name.length);
  rule.setEpoch(epoch);
  return rule;
}

it("the census counts keys and lists shapes as a list of all keys would, whatever comes and goes", () => {
  const kind = fc.record({
    namespace: fc.constantFrom("", "n", "nn"),
    policy: fc.constantFrom("", "a", "ab"),
    windowUs: fc.constantFrom(1_000, 5_000_000_000),
    epoch: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), kind), { maxLength: 60 }), (steps) => {
      const census = new Census(new Heap());
      const held: (typeof steps)[number][1][] = [];
      for (const [add, each] of steps) {
        if (add) {
          const { prefix, prefixLength } = ruleOf(each.namespace, each.policy, each.windowUs, each.epoch);
          census.add(prefix, prefixLength);
          held.push(each);
        } else if (held.length > 0) {
          const gone = held.splice(each.windowUs % held.length, 1)[0]!;
          const { prefix, prefixLength } = ruleOf(gone.namespace, gone.policy, gone.windowUs, gone.epoch);
          census.remove(prefix, prefixLength);
        }
        for (const namespace of ["", "n", "nn"]) {
          const own = held.filter((key) => key.namespace === namespace);
          expect(census.keysOf(namePrefix(namespace, ""))).toBe(own.length);
          for (const policy of ["a", "ab"]) {
            const shapes = own.filter((key) => key.policy === policy);
            const expected = new Set(shapes.map(({ windowUs, epoch }) => `${windowUs}/${epoch}`));
            const found = census.shapesOf(namePrefix(namespace, policy));
            expect(new Set(found.map(({ windowUs, epoch }) => `${windowUs}/${epoch}`))).toEqual(expected);
            expect(census.shapeCount(namePrefix(namespace, policy))).toBe(expected.size);
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});
