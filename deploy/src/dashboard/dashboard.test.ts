import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inDeploy } from "../deploy-folder.ts";
import { dashboardJson } from "./build-dashboard.ts";
import { panelSpecs } from "./panel-specs.ts";

describe("the dashboard", () => {
  it("is committed as the code generates it (mend: npm run dashboard)", () => {
    const committed = readFileSync(inDeploy("grafana", "dashboards", "quorumguard.json"), "utf8");
    expect(committed).toBe(dashboardJson());
  });

  it("fills whole rows of 24 columns, and names and describes every panel once", () => {
    let columns = 0;
    for (const { columns: width } of panelSpecs) {
      columns += width;
      expect(columns).toBeLessThanOrEqual(24);
      if (columns === 24) columns = 0;
    }
    expect(columns).toBe(0);
    expect(new Set(panelSpecs.map(({ title }) => title)).size).toBe(panelSpecs.length);
    expect(panelSpecs.filter(({ description }) => !description.endsWith("."))).toEqual([]);
  });
});
