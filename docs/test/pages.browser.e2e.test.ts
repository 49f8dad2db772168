import { createRequire } from "node:module";
import { skipReason } from "@quorumguard/testbed";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSiteIfStale } from "../src/site/build-site.ts";
import { type OpenPage, SiteBrowser } from "../src/site/site-browser.ts";
import { nameOfView, type View, views } from "../src/site/views.ts";

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[] }[];
  }[];
}

const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const reason = process.env.CI === "true" ? null : skipReason("chromium");
if (reason !== null) console.warn(reason);

/** What sticks out of the page sideways, innermost last; empty if nothing does. */
function overflowOf(tab: Page): Promise<readonly string[]> {
  return tab.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    const names = wide.map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`);
    return [`the page is ${scrollWidth} px wide in a window of ${clientWidth} px`, ...names.slice(0, 8)];
  });
}

/** Violations that keep somebody from using the page. */
async function seriousViolations(tab: Page): Promise<readonly string[]> {
  await tab.addScriptTag({ path: axeFile });
  const { violations } = await tab.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 5)}`);
}

async function problemsOf({ tab, errors, strayRequests }: OpenPage, { page, theme }: View): Promise<readonly string[]> {
  const found = [...(await overflowOf(tab)), ...(await seriousViolations(tab))];
  const shown = await tab.evaluate(() => document.documentElement.dataset.theme);
  if (shown !== theme) found.push(`the page is ${shown}, and the system prefers ${theme}`);
  // The page for addresses that do not exist answers with the status 404 only where it is not asked for by name.
  if (page !== "/404.html" && (await tab.title()).includes("404")) found.push("there is no such page");
  return [...found, ...errors.map((error) => `console: ${error}`), ...strayRequests.map((url) => `asked for ${url}`)];
}

describe.skipIf(reason !== null)("the built site in Chromium", () => {
  let browser: SiteBrowser;

  beforeAll(async () => {
    await buildSiteIfStale((text) => process.stderr.write(`docs: ${text}\n`));
    browser = await SiteBrowser.start();
  }, 180_000);

  afterAll(() => browser?.stop());

  it.each(views.map((view) => [nameOfView(view), view] as const))(
    "%s: fits, is accessible, quiet and offline",
    {
      timeout: 60_000,
    },
    async (name, view) => {
      const opened = await browser.open(view);
      try {
        const problems = await problemsOf(opened, view);
        expect(problems, `${name}: ${problems.join("; ")}`).toEqual([]);
      } finally {
        await opened.close();
      }
    },
  );

  it("finds a word without a network, and leads to its page", { timeout: 60_000 }, async () => {
    const { tab, errors, strayRequests, close } = await browser.open({ page: "/", widthPx: 1_280, theme: "light" });
    try {
      await tab.keyboard.press("Control+k");
      await tab.getByRole("textbox", { name: "Search" }).fill("fsync");
      const result = tab.locator(".pagefind-ui__result-link").first();
      await result.waitFor();
      const target = await result.getAttribute("href");
      await result.click();
      await tab.waitForURL((url) => url.pathname !== "/");
      expect(target, "the result leads to a page").toContain(new URL(tab.url()).pathname);
      expect((await tab.locator("main").textContent())?.toLowerCase(), "the found page has the word").toContain("fsync");
      expect([...errors, ...strayRequests], "errors and stray requests of the search").toEqual([]);
    } finally {
      await close();
    }
  });

  it("lets a keyboard skip to the content", { timeout: 60_000 }, async () => {
    const { tab, close } = await browser.open({ page: "/start/", widthPx: 1_280, theme: "dark" });
    try {
      await tab.keyboard.press("Tab");
      expect(await tab.evaluate(() => document.activeElement?.textContent), "the first stop").toContain("Skip");
      await tab.keyboard.press("Enter");
      await tab.waitForFunction(() => location.hash === "#_top");
      await tab.keyboard.press("Tab");
      const inside = await tab.evaluate(() => document.querySelector("main")?.contains(document.activeElement));
      expect(inside, "the stop after the skip link is inside the content").toBe(true);
    } finally {
      await close();
    }
  });

  it("shows its own page for an address that does not exist", { timeout: 60_000 }, async () => {
    const { tab, close } = await browser.open({ page: "/no/such/page/", widthPx: 360, theme: "light" });
    try {
      expect(await tab.locator("h1").textContent()).toContain("404");
    } finally {
      await close();
    }
  });
});
