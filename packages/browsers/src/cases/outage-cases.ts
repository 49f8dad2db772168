import assert from "node:assert/strict";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

/** In the page: the cluster has told its visitor what the policy says, by which it can count alone. */
const knowsTerms = () =>
  (globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> }).visitor.answers("GetTerms") > 0;

/** What a page sees of a cluster, a proxy or a network that goes and comes back. */
export const outageCases: readonly BrowserCase[] = [
  {
    name: "the leader is killed in mid-traffic: no call fails, none is degraded, and the count is exact",
    async run({ open, key, scene }) {
      const page = await open();
      await page.evaluate((own) => {
        subject.startTraffic(subject.visitor({ key: own }), ["plenty"], 50);
      }, key);
      await page.waitForFunction(() => subject.answered() >= 10);
      const killed = await scene.killLeader();
      try {
        const answered = await page.evaluate(() => subject.answered());
        await page.waitForFunction((before) => subject.answered() >= before + 10, {}, answered);
        const reports = await page.evaluate(() => subject.stopTraffic());
        assert.equal(admitted(reports), reports.length);
        const left = await page.evaluate(
          (own) => subject.report(subject.visitor({ key: own }).guard.peek({ key: own, policy: "plenty" })),
          key,
        );
        assert.equal(left.remaining, 1_000_000 - reports.length);
      } finally {
        await scene.bringBack(killed);
      }
    },
  },
  {
    name: "offline, a call is settled without a request, and online again the cluster decides at once",
    async run({ open, key }) {
      const page = await open();
      const before = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own, onUnavailable: "local" });
        (globalThis as { visitor?: unknown }).visitor = visitor;
        return subject.report(visitor.guard.allow(own, "button"));
      }, key);
      assert.equal(before.source, "quorum");
      await page.waitForFunction(knowsTerms);
      await page.setOfflineMode(true);
      const offline = await page.evaluate(async (own) => {
        const { visitor } = globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> };
        const sent = visitor.requests();
        const report = await subject.report(visitor.guard.allow(own, "button", { onUnavailable: "throw" }));
        const local = await subject.report(visitor.guard.allow(own, "button"));
        return { onLine: navigator.onLine, report, local, sent: visitor.requests() - sent };
      }, key);
      await page.setOfflineMode(false);
      const after = await page.evaluate(async (own) => {
        const { visitor } = globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> };
        return subject.report(visitor.guard.allow(own, "button"));
      }, key);
      assert.equal(offline.onLine, false);
      assert.equal(offline.report.code, "unavailable");
      assert.equal(offline.local.source, "local");
      assert.equal(offline.local.degraded, true);
      assert.equal(offline.sent, 0);
      assert.equal(after.source, "quorum");
    },
  },
  {
    name: "without the proxy a page counts by itself, says so, and hears the cluster again when the proxy is back",
    async run({ open, key, scene }) {
      const page = await open();
      await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own, onUnavailable: "local", timeoutMs: 2_000 });
        (globalThis as { visitor?: unknown }).visitor = visitor;
        await visitor.guard.allow(own, "button");
      }, key);
      await page.waitForFunction(knowsTerms);
      const ask = () =>
        page.evaluate(async (own) => {
          const { visitor } = globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> };
          return subject.report(visitor.guard.allow(own, "button"));
        }, key);
      await scene.stopProxy();
      try {
        const alone = await ask();
        assert.equal(alone.code, null, alone.message ?? "");
        assert.equal(alone.source, "local");
        assert.equal(alone.degraded, true);
      } finally {
        await scene.startProxy();
      }
      let report = await ask();
      for (let asked = 1; report.degraded && asked < 100; asked++) report = await ask();
      assert.equal(report.degraded, false);
    },
  },
];
