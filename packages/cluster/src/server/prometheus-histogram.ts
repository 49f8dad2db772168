import type { Metric } from "prom-client";
import type { DurationHistogram } from "../storage/duration-counts.ts";

/**
 * Shows counts that are kept elsewhere as a histogram in seconds. The library's own takes one observation at a time, which
 * is too dear where thousands of items are answered at once.
 */
export function prometheusHistogram(name: string, help: string, read: () => DurationHistogram): Metric<string> {
  const histogram = {
    name,
    help,
    type: "histogram",
    async get() {
      const { boundsMs, counts, totalMs } = read();
      const values: { metricName: string; labels: Record<string, string>; value: number }[] = [];
      let below = 0;
      for (const [at, count] of counts.entries()) {
        below += count;
        const boundMs = boundsMs[at];
        const le = boundMs === undefined ? "+Inf" : String(boundMs / 1_000);
        values.push({ metricName: `${name}_bucket`, labels: { le }, value: below });
      }
      values.push({ metricName: `${name}_sum`, labels: {}, value: totalMs / 1_000 });
      values.push({ metricName: `${name}_count`, labels: {}, value: below });
      return { name, help, type: "histogram", values, aggregator: "sum" };
    },
    // The registry's own reset; what is counted elsewhere stays.
    reset() {},
  };
  // The registry asks a metric for its name and values only; its type wants the library's own classes.
  return histogram as unknown as Metric<string>;
}
