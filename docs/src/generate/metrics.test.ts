import { expect, test } from "vitest";
import { createNodeMetrics } from "../../../packages/cluster/src/server/metrics.ts";
import { createScriptedNode } from "../../../packages/cluster/src/server/scripted-node.fixture.ts";
import { metricsPage, readMetrics } from "./metrics.ts";

test("the page has every metric that Prometheus is shown, with the same type and help", async () => {
  const text = await createNodeMetrics(createScriptedNode(), { process: true }).text(true);
  const shown = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(([, name, help, type]) => ({
    name,
    help,
    type,
  }));
  expect(shown.length).toBeGreaterThan(20);
  expect(readMetrics().map(({ name, help, type }) => ({ name, help, type }))).toEqual(shown);
});

test("every metric has a row, and labels are named", () => {
  const { body } = metricsPage([
    { name: "quorumguard_a_total", type: "counter", labels: ["outcome", "source"], help: "Items" },
    { name: "nodejs_b", type: "gauge", labels: [], help: "Bytes." },
  ]);
  expect(body).toContain("| `quorumguard_a_total` | counter by `outcome`, `source` | Items. |");
  expect(body).toContain("| `nodejs_b` | gauge | Bytes. |");
});
