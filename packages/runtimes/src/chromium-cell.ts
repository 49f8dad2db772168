import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram, skipReason, startNginx } from "@quorumguard/testbed";
import { chromium } from "playwright-core";
import { bundle } from "./bundle.ts";
import { type Cell, type CellReport, parseReport } from "./cell.ts";

const page = `<!doctype html><meta charset="utf-8"><title>running</title><script type="module" src="/page.js"></script>`;

/** Nothing that talks to the outside, and no sandbox, which containers and root do not have. */
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

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
    const browser = await chromium.launch({ executablePath: requireProgram("chromium"), args: flags });
    try {
      const tab = await browser.newPage();
      const errors: string[] = [];
      tab.on("pageerror", (error) => errors.push(String(error)));
      const response = await tab.goto(`${nginx.url}/?runtime=chromium`);
      if (!response?.ok()) throw new Error(`nginx answered the page with ${response?.status()}`);
      await tab
        .waitForFunction(() => document.title === "done", undefined, { timeout: 120_000 })
        .catch((error) => {
          throw new Error(`the page did not finish: ${errors.join("; ") || String(error)}`);
        });
      return parseReport((await tab.textContent("body")) ?? "");
    } finally {
      await browser.close();
    }
  } finally {
    await nginx.stop();
  }
}
