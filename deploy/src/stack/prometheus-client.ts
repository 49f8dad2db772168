import { readFileSync } from "node:fs";
import { inDeploy } from "../deploy-folder.ts";

/** A query of the committed dashboard, with the panel that asks it. */
export interface DashboardQuery {
  readonly panel: string;
  readonly expr: string;
}

/** How an alert rule fares. */
export interface AlertState {
  readonly name: string;
  readonly health: string;
  readonly lastError: string;
  readonly state: string;
}

/** A series' labels, and its value as text. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Prometheus's HTTP API, as Grafana uses it. */
export class PrometheusClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Evaluates a query now. @throws {Error} With Prometheus's words when it refuses the query. */
  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: Sample[] }>(`query?${new URLSearchParams({ query: expr })}`);
    return result;
  }

  /** The first series' value, or null if there is none. */
  async value(expr: string): Promise<number | null> {
    const [sample] = await this.query(expr);
    return sample === undefined ? null : Number(sample.value[1]);
  }

  /** The name of every metric that it has a series of. */
  async metricNames(): Promise<readonly string[]> {
    return this.#get<string[]>("label/__name__/values");
  }

  /** Every alert rule that it has loaded. */
  async alerts(): Promise<readonly AlertState[]> {
    const { groups } = await this.#get<{ groups: { rules: AlertState[] }[] }>("rules?type=alert");
    return groups.flatMap(({ rules }) =>
      rules.map(({ name, health, lastError = "", state }) => ({ name, health, lastError, state })),
    );
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`, { signal: AbortSignal.timeout(5_000) });
    const body = (await response.json()) as { readonly error?: string; readonly data: T };
    if (!response.ok) throw new Error(`prometheus: HTTP ${response.status}: ${body.error}`);
    return body.data;
  }
}

/** The queries of the committed dashboard, with Grafana's variables as it would fill them in for five minutes. */
export function dashboardQueries(): readonly DashboardQuery[] {
  const file = inDeploy("grafana", "dashboards", "quorumguard.json");
  const dashboard = JSON.parse(readFileSync(file, "utf8")) as {
    readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  };
  // Grafana's $__rate_interval is four times the scrape interval, which its datasource is told.
  const filledIn = (expr: string) => expr.replaceAll("$__rate_interval", "20s").replaceAll("$__range", "5m");
  return dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ panel: title, expr: filledIn(expr) })),
  );
}
