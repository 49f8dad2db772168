/** A web worker that asks by a guard of its own: one burst for each message, answered by its reports. */
import { createSubject } from "./subject.ts";

const subject = createSubject();

addEventListener("message", async ({ data }: MessageEvent<{ key: string; policy: string; count: number }>) => {
  const visitor = subject.visitor({ key: data.key });
  const reports = await subject.burst(visitor, data.policy, data.count);
  postMessage({ reports, requests: visitor.answers("AllowBatch") });
});
