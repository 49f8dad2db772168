import assert from "node:assert/strict";
import type { CallReport } from "../page/subject.ts";
import type { BrowserCase } from "./browser-case.ts";
import { admitted } from "./in-page.ts";

interface WorkerAnswer {
  readonly reports: readonly CallReport[];
  readonly requests: number;
}

/** The SDK where there is no page. */
export const workerCases: readonly BrowserCase[] = [
  {
    name: "a web worker asks by itself, and its turn travels in one request",
    async run({ open, key }) {
      const page = await open();
      const { reports, requests } = await page.evaluate(
        (own) =>
          new Promise<WorkerAnswer>((resolve, reject) => {
            const worker = new Worker(subject.script("/worker.js"), { type: "module" });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = ({ message }) => reject(new Error(message));
            worker.postMessage({ key: own, policy: "button", count: 12 });
          }),
        key,
      );
      assert.equal(admitted(reports), 10);
      assert.equal(requests, 1);
    },
  },
  {
    name: "a service worker asks by itself, and its turn travels in one request",
    async run({ open, key }) {
      const page = await open();
      const { reports, requests } = await page.evaluate(async (own) => {
        const registered = await navigator.serviceWorker.register(subject.script("/service-worker.js"), {
          type: "module",
        });
        const { active } = await navigator.serviceWorker.ready;
        const answer = await new Promise<WorkerAnswer>((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => resolve(data);
          active?.postMessage({ key: own, policy: "button", count: 12 }, [port2]);
        });
        await registered.unregister();
        return answer;
      }, key);
      assert.equal(admitted(reports), 10);
      assert.equal(requests, 1);
    },
  },
];
