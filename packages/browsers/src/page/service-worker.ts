/** A service worker that asks by a guard of its own: one burst for each message, answered over the port that came with it. */
import { createSubject } from "./subject.ts";

/** The part of a service worker's scope that is used; its lib cannot stand beside a page's. */
interface WorkerScope extends EventTarget {
  skipWaiting(): Promise<void>;
}

const scope = globalThis as unknown as WorkerScope;
const subject = createSubject();

scope.addEventListener("install", () => void scope.skipWaiting());
scope.addEventListener("message", (event) => {
  const { data, ports } = event as MessageEvent<{ key: string; policy: string; count: number }>;
  const visitor = subject.visitor({ key: data.key });
  const answer = async () => {
    const reports = await subject.burst(visitor, data.policy, data.count);
    ports[0]?.postMessage({ reports, requests: visitor.answers("AllowBatch") });
  };
  (event as Event & { waitUntil(work: Promise<void>): void }).waitUntil(answer());
});
