import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromiumFlags, requireProgram, skipReason, startNginx } from "@quorumguard/testbed";
import { chromium, type Page } from "playwright-core";
import { bundle } from "./bundle.ts";
import { type Cell, type CellReport, parseReport } from "./cell.ts";

const page = `<!doctype html><meta charset="utf-8"><title>running</title><script type="module" src="/page.js"></script>`;

/** The suite takes seconds; a browser that hangs must not hang the matrix, and one on a busy machine does not hang. */
const timeoutMs = 300_000;

/** Runs the suite as a page's script in a real headless Chromium, through a real nginx, on the page's own origin, `port`. */
export function chromiumCell(entry: string, folder: string, upstreams: readonly string[], port: number): Cell {
  const reasons = [skipReason("nginx"), skipReason("chromium")].filter((reason) => reason !== null);
  return {
    sdk: "sdk-web",
    runtime: "chromium",
    skipReason: reasons.length > 0 ? reasons.join("; ") : null,
    run: () => runInPage(entry, folder, upstreams, port),
  };
}

async function runInPage(
  entry: string,
  folder: string,
  upstreams: readonly string[],
  port: number,
): Promise<CellReport> {
  await bundle(entry, join(folder, "page.js"));
  await writeFile(join(folder, "index.html"), page);
  const nginx = await startNginx({ port, upstreams, pages: folder });
  try {
    const browser = await chromium.launch({
      executablePath: requireProgram("chromium"),
      args: [...chromiumFlags],
      timeout: timeoutMs,
    });
    try {
      return await runOnTab(await browser.newPage(), `${nginx.url}/?runtime=chromium`);
    } finally {
      await browser.close();
    }
  } finally {
    await nginx.stop();
  }
}

/** Rejects as soon as the page throws or dies: it will then never be done. */
async function runOnTab(tab: Page, url: string): Promise<CellReport> {
  tab.setDefaultTimeout(timeoutMs);
  const broken = Promise.race([
    tab.waitForEvent("pageerror", { timeout: 0 }).then((error) => `threw: ${error}`),
    tab.waitForEvent("crash", { timeout: 0 }).then(() => "crashed"),
  ]).then((how): never => {
    throw new Error(`the page ${how}`);
  });
  broken.catch(() => {});
  const response = await tab.goto(url);
  if (!response?.ok()) throw new Error(`nginx answered the page with ${response?.status()}`);
  await Promise.race([tab.waitForFunction(() => document.title === "done"), broken]);
  const text = (await tab.textContent("body")) ?? "";
  const report = parseReport(text);
  if (report === null) throw new Error(`the page shows no report: ${text.slice(-2_000)}`);
  return report;
}
