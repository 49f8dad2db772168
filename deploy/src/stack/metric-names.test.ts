import { expect, it } from "vitest";
import { metricsNamedIn } from "./metric-names.ts";

it("finds metrics among functions, labels, ranges and operators", () => {
  const expr = `
    histogram_quantile(0.99, sum by (node, le) (rate(a_seconds_bucket{reason="not b"}[1m])))
      > 1e3 * (sum (rate(c_total[10m] offset 5m)) + max(d) without (e)) and on (node) f:g == 2.5`;
  expect(metricsNamedIn(expr)).toEqual(["a_seconds_bucket", "c_total", "d", "f:g"]);
  expect(metricsNamedIn("absent(a == 1)")).toEqual(["a"]);
});
