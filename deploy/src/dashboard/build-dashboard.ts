import {
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { type PanelSpec, panelSpecs, type QuerySpec } from "./panel-specs.ts";

/** The datasource that deploy/grafana/provisioning brings, by its fixed id. */
const datasource = { type: "prometheus", uid: "prometheus" } as const;

/** The whole dashboard, in Grafana's own model. */
export function buildDashboard(): Dashboard {
  const dashboard = new DashboardBuilder("QuorumGuard")
    .uid("quorumguard")
    .description("A cluster of QuorumGuard: who leads, what it decides, how long that takes.")
    .tags(["quorumguard"])
    .readonly()
    .time({ from: "now-15m", to: "now" })
    .refresh("5s")
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair);
  for (const [at, spec] of panelSpecs.entries()) dashboard.withPanel(panelOf(spec, at + 1));
  return dashboard.build();
}

/** As it is committed. */
export function dashboardJson(): string {
  return `${JSON.stringify(buildDashboard(), null, 2)}\n`;
}

function panelOf(spec: PanelSpec, id: number) {
  const panel = emptyPanel(spec.kind)
    .id(id)
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .unit(spec.unit)
    .span(spec.columns)
    .height(spec.kind === "stat" ? 4 : 8);
  if (spec.noValue !== undefined) panel.noValue(spec.noValue);
  for (const [at, query] of spec.queries.entries()) {
    panel.withTarget(targetOf(query, String.fromCharCode(65 + at), spec.kind === "stat"));
  }
  return panel;
}

function targetOf({ expr, legend }: QuerySpec, refId: string, instant: boolean): DataqueryBuilder {
  const target = new DataqueryBuilder().datasource(datasource).refId(refId).expr(expr).legendFormat(legend);
  return instant ? target.instant() : target.range();
}

function emptyPanel(kind: PanelSpec["kind"]) {
  switch (kind) {
    case "stat":
      return new StatBuilder()
        .graphMode(BigValueGraphMode.None)
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
    case "states":
      return new StateTimelineBuilder()
        .mergeValues(true)
        .lineWidth(0)
        .mappings([
          {
            type: MappingType.ValueToText,
            options: { "0": { text: "follows", color: "gray" }, "1": { text: "leads", color: "green" } },
          },
        ])
        .legend(new VizLegendOptionsBuilder().showLegend(false));
    case "lines":
      return new TimeSeriesBuilder()
        .lineWidth(1)
        .fillOpacity(8)
        .showPoints(VisibilityMode.Never)
        .min(0)
        .thresholds(
          new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: "green" }]),
        )
        .legend(
          new VizLegendOptionsBuilder()
            .displayMode(LegendDisplayMode.List)
            .placement(LegendPlacement.Bottom)
            .showLegend(true),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  }
}
