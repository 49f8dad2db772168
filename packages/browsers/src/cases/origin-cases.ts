import assert from "node:assert/strict";
import { until } from "@quorumguard/testbed";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

/** Pages of other origins, and what the page's own Content-Security-Policy forbids. */
export const originCases: readonly BrowserCase[] = [
  {
    name: "a page of a listed origin may call",
    async run({ open, key, scene }) {
      const page = await open("/elsewhere", "listed.test");
      const reports = await page.evaluate(
        (own, endpoints) => subject.burst(subject.visitor({ key: own, endpoints }), "button", 11),
        key,
        scene.origin("shop.test"),
      );
      assert.equal(admitted(reports), 10);
    },
  },
  {
    name: "a page of any other origin may not, and charges nothing",
    async run({ open, key, scene }) {
      const page = await open("/elsewhere", "stranger.test");
      const report = await page.evaluate(
        (own, endpoints) => {
          const { guard } = subject.visitor({ key: own, endpoints, timeoutMs: 2_000 });
          return subject.report(guard.allow(own, "button"));
        },
        key,
        scene.origin("shop.test"),
      );
      assert.equal(report.allowed, null);
      assert.ok(report.code === "unavailable" || report.code === "timed_out", `${report.code}: ${report.message}`);
      // The browser tells the page no more than that it failed.
      assert.match(report.message ?? "", /--cors-origin https:\/\/stranger\.test.* or .*connect-src/);
      const own = await open();
      const peeked = await own.evaluate(
        (visitor) => subject.report(subject.visitor({ key: visitor }).guard.peek({ key: visitor, policy: "button" })),
        key,
      );
      assert.equal(peeked.remaining, 10);
    },
  },
  {
    name: "a strict Content-Security-Policy is in force, and the SDK needs nothing beyond it",
    async run({ open, key, scene }) {
      const page = await open();
      const reports = await page.evaluate((own) => subject.burst(subject.visitor({ key: own }), "button", 3), key);
      assert.equal(admitted(reports), 3);
      assert.deepEqual(scene.site.violations, []);
      // That nothing was reported counts only if something would have been.
      await page.evaluate((elsewhere) => fetch(elsewhere).catch(() => {}), `${scene.origin("listed.test")}/elsewhere`);
      await until("a violation is reported", 20_000, async () => (scene.site.violations.length > 0 ? true : null));
      scene.site.forgetViolations();
    },
  },
];
