import { type Metric, Registry } from "prom-client";
import type { ClusterNode } from "../../../packages/cluster/src/node/node.ts";
import { createNodeMetrics } from "../../../packages/cluster/src/server/metrics.ts";
import { code, paragraphs, prose, table } from "./markdown.ts";
import type { Page } from "./page.ts";

/** One metric, as the registry describes it. */
export interface MetricFact {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Asks a node's own registry what it holds. Only values need a node, and none is read. */
export function readMetrics(): readonly MetricFact[] {
  const registries = new Set<Registry>();
  const register = Registry.prototype.registerMetric;
  Registry.prototype.registerMetric = function (this: Registry, metric: Metric) {
    registries.add(this);
    return register.call(this, metric);
  };
  try {
    createNodeMetrics({ status: () => ({}) } as unknown as ClusterNode, { process: true });
  } finally {
    Registry.prototype.registerMetric = register;
  }
  return [...registries].flatMap((registry) => registry.getMetricsAsArray().map(toFact));
}

function toFact(metric: object): MetricFact {
  const {
    name,
    help,
    type,
    labelNames = [],
  } = metric as {
    readonly name: string;
    readonly help: string;
    readonly type?: string;
    readonly labelNames?: readonly string[];
  };
  return { name, help, type: type ?? metric.constructor.name.toLowerCase(), labels: labelNames };
}

/** `reference/metrics`: a node's own metrics, and those of its process. */
export function metricsPage(metrics: readonly MetricFact[]): Page {
  const own = metrics.filter(({ name }) => name.startsWith("quorumguard_"));
  const ofProcess = metrics.filter(({ name }) => !name.startsWith("quorumguard_"));
  const rows = (facts: readonly MetricFact[]) =>
    facts.map(({ name, type, labels, help }) => {
      const by = labels.length === 0 ? "" : ` by ${labels.map(code).join(", ")}`;
      return [code(name), `${type}${by}`, prose(sentence(help))];
    });
  return {
    path: "reference/metrics",
    title: "Metrics",
    description: "Every metric that a node shows to Prometheus, with type, labels and meaning.",
    order: 8,
    body: paragraphs(
      "A node shows its metrics at `/metrics` of its HTTP port, in Prometheus' text format. No label holds a key, a session or a name that callers make up, so that callers cannot make them grow; policies that operators put have labels, within a bound.",
      "## Of the node",
      table(["Metric", "Type and labels", "Meaning"], rows(own)),
      "## Of its process",
      "From the Prometheus client for Node; `processMetrics: false` leaves them out.",
      table(["Metric", "Type and labels", "Meaning"], rows(ofProcess)),
    ),
  };
}

function sentence(help: string): string {
  return /[.!?]$/.test(help) ? help : `${help}.`;
}
