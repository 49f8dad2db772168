import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import type { ReactSubject } from "../page/react.tsx";
import type { BrowserCase, Stage } from "./browser-case.ts";

const openReact = ({ open, key }: Stage): Promise<Page> => open(`/react?key=${encodeURIComponent(key)}`);

/** The text of an element, read in the page. */
const textOf = (page: Page, id: string): Promise<string> =>
  page.evaluate((name) => document.getElementById(name)?.textContent ?? "", id);

/** Presses the button as a person does, and waits until so much is left. */
async function press(page: Page, remaining: string): Promise<void> {
  await page.click("#press");
  await page.waitForFunction((left) => document.getElementById("remaining")?.textContent === left, {}, remaining);
}

/** The hook, in StrictMode, under a person's clicks. */
export const reactCases: readonly BrowserCase[] = [
  {
    name: "nothing is asked before the first attempt, and one press is one call, in StrictMode too",
    async run(stage) {
      const page = await openReact(stage);
      const requests = () =>
        page.evaluate(() => (globalThis as unknown as { reactSubject: ReactSubject }).reactSubject.requests());
      assert.equal(await requests(), 0);
      await press(page, "1");
      assert.equal(await requests(), 1);
    },
  },
  {
    name: "a denied button keeps the focus, counts down, says so once, and says when its time is over",
    async run(stage) {
      const page = await openReact(stage);
      await press(page, "1");
      await press(page, "0");
      await page.click("#press");
      await page.waitForFunction(() => document.getElementById("press")?.getAttribute("aria-disabled") === "true");
      const denied = await page.evaluate(() => ({
        focused: document.activeElement?.id,
        disabled: (document.getElementById("press") as HTMLButtonElement).disabled,
        seconds: document.getElementById("seconds")?.textContent,
      }));
      assert.deepEqual({ focused: denied.focused, disabled: denied.disabled }, { focused: "press", disabled: false });
      assert.match(denied.seconds ?? "", /^[123]$/);
      assert.match(await textOf(page, "announcement"), /^Too many attempts\./);
      await page.waitForFunction(() => document.getElementById("press")?.getAttribute("aria-disabled") === "false");
      assert.match(await textOf(page, "announcement"), /try again now/);
      assert.equal(await page.evaluate(() => document.activeElement?.id), "press");
    },
  },
  {
    name: "a component that goes while its attempt is in flight aborts it, and React has nothing to complain of",
    async run(stage) {
      const page = await openReact(stage);
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warn") complaints.push(message.text());
      });
      const report = await page.evaluate(() =>
        (globalThis as unknown as { reactSubject: ReactSubject }).reactSubject.unmountInFlight(),
      );
      assert.equal(report.code, "aborted");
      assert.deepEqual(complaints, []);
    },
  },
];
