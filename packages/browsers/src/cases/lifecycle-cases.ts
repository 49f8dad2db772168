import assert from "node:assert/strict";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

/** Pages that browsers put away, and bring back. */
export const lifecycleCases: readonly BrowserCase[] = [
  {
    name: "a page that comes out of the cache of the back button asks again rather than trust its memory",
    async run({ open, key, scene }) {
      const page = await open();
      const first = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const kept = globalThis as { visitor?: unknown; persisted?: boolean };
        kept.visitor = visitor;
        addEventListener("pageshow", ({ persisted }) => {
          kept.persisted = persisted;
        });
        return subject.burst(visitor, "button", 11);
      }, key);
      assert.equal(admitted(first), 10);
      // A page with a request in flight is not kept.
      await page.waitForNetworkIdle();
      await page.goto(`${scene.origin("shop.test")}/page?next`);
      await scene.operate("GuardService/Reset", { check: { key, rule: { policy: "button" } }, requestId: key });
      await page.evaluate(() => history.back());
      await page.waitForFunction(() => (globalThis as { persisted?: boolean }).persisted === true);
      const report = await page.evaluate((own) => {
        const { visitor } = globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> };
        return subject.report(visitor.guard.allow(own, "button"));
      }, key);
      assert.equal(report.allowed, true);
    },
  },
  {
    name: "a page in the background is decided for, in one request, and waits for its turn",
    async run({ open, key }) {
      const page = await open();
      const front = await open();
      await front.bringToFront();
      await page.waitForFunction(() => document.visibilityState === "hidden", { polling: 100 });
      const { reports, requests, waited } = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const told = await subject.burst(visitor, "countdown", 3);
        const sent = visitor.answers("AllowBatch");
        const turn = await subject.report(visitor.guard.wait({ key: own, policy: "countdown" }, { timeoutMs: 30_000 }));
        return { reports: told, requests: sent, waited: turn };
      }, key);
      assert.equal(admitted(reports), 2);
      assert.equal(requests, 1);
      assert.equal(waited.allowed, true);
    },
  },
];
