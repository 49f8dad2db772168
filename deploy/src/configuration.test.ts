import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { findProgram, skipReason } from "@quorumguard/testbed";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { inDeploy } from "./deploy-folder.ts";

const reason = skipReason("prometheus");
const required = process.env.CI === "true";
if (reason !== null && !required) console.warn(`skipped: ${reason}`);

function promtool(...words: string[]): { readonly status: number | null; readonly output: string } {
  const program = path.join(path.dirname(findProgram("prometheus") ?? ""), "promtool");
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: "utf8", timeout: 15_000 });
  return { status, output: `${stdout}${stderr}${error ?? ""}` };
}

describe.skipIf(reason !== null && !required)("Prometheus's own tool", () => {
  it("accepts the configuration and its rules", () => {
    const { status, output } = promtool("check", "config", inDeploy("prometheus", "prometheus.yml"));
    expect(status, output).toBe(0);
  });

  it("fires each alert for its trouble, and none while all is well", () => {
    const { status, output } = promtool("test", "rules", inDeploy("prometheus", "rules.test.yml"));
    expect(status, output).toBe(0);
  });
});

describe("the alerts", () => {
  it("each have a case in rules.test.yml, a severity and a summary", () => {
    const cases = readFileSync(inDeploy("prometheus", "rules.test.yml"), "utf8");
    const { groups } = parse(readFileSync(inDeploy("prometheus", "rules.yml"), "utf8")) as {
      groups: { rules: { alert: string; labels: { severity: string }; annotations: { summary: string } }[] }[];
    };
    for (const { alert, labels, annotations } of groups.flatMap(({ rules }) => rules)) {
      expect(cases).toContain(`alertname="${alert}"`);
      expect(["critical", "warning"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
    }
  });
});
