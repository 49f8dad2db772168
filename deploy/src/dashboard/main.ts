/** Writes deploy/grafana/dashboards/quorumguard.json anew. */
import { writeFileSync } from "node:fs";
import { inDeploy } from "../deploy-folder.ts";
import { dashboardJson } from "./build-dashboard.ts";

writeFileSync(inDeploy("grafana", "dashboards", "quorumguard.json"), dashboardJson());
