import { createRequire } from "node:module";
import { skipReason } from "@quorumguard/testbed";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSiteIfStale } from "../src/site/build-site.ts";
import { type OpenPage, SiteBrowser } from "../src/site/site-browser.ts";
import { type View, viewedPages, viewedThemes, viewedWidths } from "../src/site/views.ts";

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[] }[];
  }[];
}

const [wide, narrow] = viewedWidths;
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const reason = process.env.CI === "true" ? null : skipReason("chromium");
if (reason !== null) console.warn(reason);

/** What sticks out of the page sideways, innermost last; empty if nothing does. Blocks that scroll inside are not named. */
function overflowOf(tab: Page): Promise<readonly string[]> {
  return tab.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const sticking = [...document.querySelectorAll("body *")].filter(
      (element) => !element.closest("pre, table") && element.getBoundingClientRect().right > clientWidth + 1,
    );
    const names = sticking.map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`);
    return [`the page is ${scrollWidth} px wide in a window of ${clientWidth} px: ${names.slice(0, 8).join(", ")}`];
  });
}

/** Violations that keep somebody from using the page. */
async function seriousViolations(tab: Page): Promise<readonly string[]> {
  await tab.addScriptTag({ path: axeFile });
  const { violations } = await tab.evaluate(() =>
    (globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } }).axe.run({
      resultTypes: ["violations"],
    }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 5)}`);
}

/** Everything that is wrong with a page: at the view's width for all checks, and for its width at the other one too. */
async function problemsOf({ tab, errors, strayRequests }: OpenPage, view: View): Promise<readonly string[]> {
  const found = [...(await overflowOf(tab)), ...(await seriousViolations(tab))];
  const shown = await tab.evaluate(() => document.documentElement.dataset.theme);
  if (shown !== view.theme) found.push(`the page is ${shown}, and the system prefers ${view.theme}`);
  // The page for addresses that do not exist answers with the status 404 only where it is not asked for by name.
  if (view.page !== "/404.html" && (await tab.title()).includes("404")) found.push("there is no such page");
  await tab.setViewportSize({ width: view.widthPx === wide ? narrow : wide, height: 900 });
  found.push(...(await overflowOf(tab)));
  return [...found, ...errors.map((error) => `console: ${error}`), ...strayRequests.map((url) => `asked for ${url}`)];
}

describe.skipIf(reason !== null)("the built site in Chromium", { timeout: 30_000 }, () => {
  let browser: SiteBrowser;

  /** Opens a view, does with it, and closes it, whatever happens. */
  async function withPage<T>(view: View, use: (opened: OpenPage) => Promise<T>): Promise<T> {
    const opened = await browser.open(view);
    try {
      return await use(opened);
    } finally {
      await opened.close();
    }
  }

  beforeAll(async () => {
    await buildSiteIfStale((text) => process.stderr.write(`docs: ${text}\n`));
    browser = await SiteBrowser.start();
  }, 180_000);

  afterAll(() => browser?.stop());

  it.each(viewedPages)("%s fits at both widths, is accessible in both themes, quiet and offline", async (page) => {
    // One theme begins wide and the other narrow, so that both layouts meet the rules of accessibility.
    const [light, dark] = viewedThemes;
    const looks: readonly View[] = [
      { page, widthPx: wide, theme: light },
      { page, widthPx: narrow, theme: dark },
    ];
    for (const view of looks) {
      const problems = await withPage(view, (opened) => problemsOf(opened, view));
      expect(problems, `${page}, ${view.theme}, first at ${view.widthPx} px: ${problems.join("; ")}`).toEqual([]);
    }
  });

  // Again if need be: the box is made when the browser is idle, which a machine busy with other tests may put off.
  it("finds a word without a network, and leads to its page", { retry: 3, timeout: 60_000 }, () =>
    withPage({ page: "/", widthPx: wide, theme: "light" }, async ({ tab, errors, strayRequests }) => {
      tab.setDefaultTimeout(12_000);
      await tab.waitForLoadState("networkidle");
      await tab.keyboard.press("Control+k");
      await tab.locator("#starlight__search input").fill("linearizable");
      const result = tab.locator(".pagefind-ui__result-link").first();
      await result.waitFor();
      const target = await result.getAttribute("href");
      await result.click();
      await tab.waitForURL((url) => url.pathname !== "/");
      expect(target, "the result leads to a page").toContain(new URL(tab.url()).pathname);
      expect((await tab.locator("main").textContent())?.toLowerCase(), "the found page has the word").toContain(
        "linearizable",
      );
      expect([...errors, ...strayRequests], "errors and stray requests of the search").toEqual([]);
    }),
  );

  it("lets a keyboard skip to the content", () =>
    withPage({ page: "/start/", widthPx: wide, theme: "dark" }, async ({ tab }) => {
      await tab.keyboard.press("Tab");
      expect(await tab.evaluate(() => document.activeElement?.textContent), "the first stop").toContain("Skip");
      await tab.keyboard.press("Enter");
      await tab.waitForFunction(() => location.hash === "#_top");
      await tab.keyboard.press("Tab");
      const inside = await tab.evaluate(() => document.querySelector("main")?.contains(document.activeElement));
      expect(inside, "the stop after the skip link is inside the content").toBe(true);
    }));

  it("changes its theme when asked, and keeps it on the next page", () =>
    withPage({ page: "/start/", widthPx: wide, theme: "light" }, async ({ tab }) => {
      const look = () =>
        tab.evaluate(() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]);
      const before = await look();
      await tab.locator("starlight-theme-select select:visible").selectOption("dark");
      const after = await look();
      expect([before[0], after[0]], "the theme before and after").toEqual(["light", "dark"]);
      expect(after[1], "the background").not.toBe(before[1]);
      await tab.getByRole("link", { name: "Edge and HTTP" }).first().click();
      await tab.waitForURL("**/start/edge-and-http/");
      expect(await look(), "the next page").toEqual(after);
    }));

  it("shows its own page for an address that does not exist", () =>
    withPage({ page: "/no/such/page/", widthPx: narrow, theme: "light" }, async ({ tab }) => {
      expect(await tab.locator("h1").textContent()).toContain("404");
    }));
});
