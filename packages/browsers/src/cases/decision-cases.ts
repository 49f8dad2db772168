import assert from "node:assert/strict";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

/** What a page asks, and what it is told. */
export const decisionCases: readonly BrowserCase[] = [
  {
    name: "of 25 calls of one turn a limit of 10 admits 10, in one request",
    async run({ open, key }) {
      const page = await open();
      const { reports, requests, seen } = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const told = await subject.burst(visitor, "button", 25);
        const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
        const seenHere = entries.filter(
          ({ name, responseStatus }) => name.endsWith("/AllowBatch") && responseStatus === 200,
        );
        return { reports: told, requests: visitor.answers("AllowBatch"), seen: seenHere.length };
      }, key);
      assert.equal(admitted(reports), 10);
      assert.deepEqual({ requests, seen }, { requests: 1, seen: 1 });
      assert.ok(reports.every(({ allowed, source }) => !allowed || source === "quorum"));
    },
  },
  {
    name: "what one turn asks beyond 64 calls travels in a second request",
    async run({ open, key }) {
      const page = await open();
      const { reports, requests } = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const told = await subject.burst(visitor, "plenty", 65);
        return { reports: told, requests: visitor.answers("AllowBatch") };
      }, key);
      assert.equal(admitted(reports), 65);
      assert.equal(requests, 2);
    },
  },
  {
    name: "two pages of one visitor share one limit",
    async run({ open, key }) {
      const pages = [await open(), await open()];
      const reports = await Promise.all(
        pages.map((page) => page.evaluate((own) => subject.burst(subject.visitor({ key: own }), "button", 8), key)),
      );
      assert.equal(admitted(reports.flat()), 10);
    },
  },
  {
    name: "a call that is aborted ends at once, and the others of its request are decided",
    async run({ open, key }) {
      const page = await open();
      const [aborted, kept] = await page.evaluate(async (own) => {
        const { guard } = subject.visitor({ key: own });
        const controller = new AbortController();
        const calls = [guard.allow(own, "button", { signal: controller.signal }), guard.allow(own, "button")];
        const reports = calls.map((call) => subject.report(call));
        queueMicrotask(() => controller.abort());
        return Promise.all(reports);
      }, key);
      assert.equal(aborted?.code, "aborted");
      assert.equal(kept?.allowed, true);
    },
  },
  {
    name: "a limit of the page's own is refused before anything is sent",
    async run({ open, key }) {
      const page = await open();
      const { report, requests } = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        // As a page without types would write it.
        const allow = visitor.guard.allow as (...words: readonly unknown[]) => Promise<unknown>;
        return { report: await subject.report(allow(own, 1_000, "1m")), requests: visitor.requests() };
      }, key);
      assert.equal(report.code, "invalid_argument");
      assert.equal(requests, 0);
    },
  },
  {
    name: "while a denial is firm nothing is sent, and when its time is over the next call is admitted",
    async run({ open, key }) {
      const page = await open();
      const { first, denied, requests, waited, sent } = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        const told = await subject.burst(visitor, "countdown", 3);
        const before = visitor.requests("AllowBatch");
        const again = await subject.burst(visitor, "countdown", 20);
        const after = visitor.requests("AllowBatch");
        const turn = await subject.report(visitor.guard.wait({ key: own, policy: "countdown" }, { timeoutMs: 20_000 }));
        return {
          first: told,
          denied: again,
          requests: after - before,
          waited: turn,
          sent: visitor.requests("AllowBatch"),
        };
      }, key);
      assert.equal(admitted(first), 2);
      assert.equal(admitted(denied), 0);
      assert.equal(requests, 0);
      assert.ok(denied.every(({ source }) => source === "denial-cache"));
      assert.ok(denied.every(({ retryAfterMs }) => retryAfterMs !== null && retryAfterMs > 0 && retryAfterMs <= 3_000));
      assert.equal(waited.allowed, true);
      assert.ok(sent >= 2);
    },
  },
  {
    name: "a key that was reset is noticed within the bound of the page's memory",
    async run({ open, key, scene }) {
      const page = await open();
      const first = await page.evaluate(async (own) => {
        const visitor = subject.visitor({ key: own });
        (globalThis as { visitor?: unknown }).visitor = visitor;
        return subject.burst(visitor, "button", 11);
      }, key);
      assert.equal(admitted(first), 10);
      await scene.operate("GuardService/Reset", { check: { key, rule: { policy: "button" } }, requestId: key });
      const { reports, requests } = await page.evaluate(async (own) => {
        const { visitor } = globalThis as unknown as { visitor: ReturnType<typeof subject.visitor> };
        const before = visitor.answers("AllowBatch");
        const told = [];
        do {
          await new Promise((resolve) => setTimeout(resolve, 100));
          told.push(await subject.report(visitor.guard.allow(own, "button")));
        } while (!told.at(-1)?.allowed && told.length < 200);
        return { reports: told, requests: visitor.answers("AllowBatch") - before };
      }, key);
      assert.equal(admitted(reports), 1);
      assert.ok(reports.slice(0, -1).every(({ source }) => source === "denial-cache"));
      assert.equal(requests, 1);
    },
  },
  {
    name: "peek charges nothing, and a countdown is drawn from what the guard heard last",
    async run({ open, key }) {
      const page = await open();
      const { peeked, before, denial, heard } = await page.evaluate(async (own) => {
        const { guard, ...visitor } = subject.visitor({ key: own });
        const heardOf: boolean[] = [];
        guard.watch(own, "countdown", ({ allowed }) => heardOf.push(allowed));
        const peeks = await subject.report(guard.peek({ key: own, policy: "countdown" }));
        const none = guard.denialOf(own, "countdown");
        await subject.burst({ ...visitor, guard }, "countdown", 3);
        const known = guard.denialOf(own, "countdown");
        const leftMs = (known?.retryAtMs ?? 0) - performance.now();
        return { peeked: peeks, before: none, denial: { allowed: known?.decision.allowed, leftMs }, heard: heardOf };
      }, key);
      assert.equal(peeked.remaining, 2);
      assert.equal(before, null);
      assert.equal(denial.allowed, false);
      assert.ok(denial.leftMs > 0 && denial.leftMs <= 3_000, `${denial.leftMs} ms are left`);
      assert.deepEqual(heard, [true, true, true, false]);
    },
  },
];
