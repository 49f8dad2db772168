import { expect, test } from "vitest";
import { decisionsPlans } from "../scenarios/decisions.ts";
import { openGopherGuard, openGubernator } from "./go-limiters.ts";

const rules = decisionsPlans.flatMap(({ points }) => points.map(({ rule }) => rule));

test.each([openGubernator, openGopherGuard])("every rule that a benchmark has can be told to it", async (open) => {
  for (const rule of rules) {
    const client = open({ endpoints: ["127.0.0.1:1"], rule });
    // Nobody is there: it fails by the connection, and not by what it is to send.
    const failure = Promise.resolve(client.call("a key")).catch((error: unknown) => error);
    await client.close();
    expect(String(await failure)).not.toMatch(/invalid|RangeError|TypeError/);
  }
});
