import { randomUUID } from "node:crypto";
import { findProgram } from "@quorumguard/testbed";
import type { Browser, Page } from "puppeteer-core";
import { type BrowserName, browserPackages } from "./browser-name.ts";
import type { BrowserCase, Stage } from "./cases/browser-case.ts";
import { decisionCases } from "./cases/decision-cases.ts";
import { exampleCases } from "./cases/example-cases.ts";
import { lifecycleCases } from "./cases/lifecycle-cases.ts";
import { originCases } from "./cases/origin-cases.ts";
import { outageCases } from "./cases/outage-cases.ts";
import { reactCases } from "./cases/react-cases.ts";
import { tokenCases } from "./cases/token-cases.ts";
import { workerCases } from "./cases/worker-cases.ts";
import { launchBrowser } from "./launch-browser.ts";
import { type CaseFailure, type Report, reportOf, skippedReport } from "./report.ts";
import type { Host } from "./scene/hosts.ts";
import type { Scene } from "./scene/scene.ts";

/** All of them, in the order in which they run. */
export const browserCases: readonly BrowserCase[] = [
  ...decisionCases,
  ...tokenCases,
  ...originCases,
  ...workerCases,
  ...lifecycleCases,
  ...reactCases,
  ...outageCases,
  ...exampleCases,
];

/** For one case, on a machine that has much else to do. */
const caseTimeoutMs = 120_000;

/** What Firefox tells of a request that it refuses a page as if the page had thrown it; some cases ask for just that. */
const refusals = /Cross-Origin Request Blocked/;

/** Why a browser cannot run here, with the remedy; null if it can. */
export function missingBrowser(name: BrowserName): string | null {
  const wanted = ["nginx", browserPackages[name]] as const;
  const missing = wanted.filter((one) => findProgram(one) === null);
  return missing.length === 0 ? null : `not installed; remedy: apt-get install -y ${missing.join(" ")}`;
}

/** Runs the cases whose names contain `only` in one browser, one after the other. Never rejects for a case. */
export async function runCases(name: BrowserName, scene: Scene, only: string): Promise<Report> {
  const chosen = browserCases.filter((one) => one.name.includes(only));
  const missing = missingBrowser(name);
  if (missing !== null) return skippedReport(chosen.length, missing);
  const browser = await launchBrowser(name);
  try {
    const failures: CaseFailure[] = [];
    for (const one of chosen) {
      const problem = await attempt(one, name, browser, scene);
      if (problem !== null) failures.push({ name: one.name, message: problem });
    }
    return reportOf(chosen.length, failures);
  } finally {
    await browser.close();
  }
}

/** Runs one case on pages of its own. Resolves with why it failed, or null. */
async function attempt(one: BrowserCase, name: BrowserName, browser: Browser, scene: Scene): Promise<string | null> {
  const pages: Page[] = [];
  const errors: string[] = [];
  const stage: Stage = {
    ...{ browser: name, scene, key: `visitor:${randomUUID()}` },
    async openAt(url: string) {
      const page = await browser.newPage();
      pages.push(page);
      page.on("pageerror", (error) => {
        if (!refusals.test(String(error))) errors.push(String(error));
      });
      await page.goto(url);
      return page;
    },
    async open(path = "/page", host: Host = "shop.test") {
      const page = await stage.openAt(`${scene.origin(host)}${path}`);
      await page.waitForFunction(() => document.title === "ready");
      return page;
    },
  };
  try {
    await withTimeout(one.run(stage), caseTimeoutMs);
    if (errors.length > 0) return `the page threw: ${errors.join("; ")}`;
    const violations = scene.site.violations.map((violation) => JSON.stringify(violation));
    return violations.length === 0 ? null : `the page's Content-Security-Policy was violated: ${violations.join("; ")}`;
  } catch (error) {
    return [error instanceof Error ? error.message : String(error), ...errors].join("; ");
  } finally {
    scene.site.forgetViolations();
    for (const page of pages) await page.close();
  }
}

async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
