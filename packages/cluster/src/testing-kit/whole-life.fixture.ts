/** Does to a cluster all that can be done, closes it, and tells what is left of it in this process. */
import { startTestCluster } from "./index.ts";

{
  await using cluster = await startTestCluster({ clock: "virtual" });
  const guard = cluster.createGuard({ onUnavailable: "throw", timeoutMs: 60_000 });
  const ask = () => guard.allow("user", 100, "1m");
  await ask();
  const killed = await cluster.kill("leader");
  await ask();
  await cluster.restart(killed);
  await cluster.partition([["leader"]]);
  await ask();
  await cluster.heal();
  const stalled = await cluster.stallDisk("leader");
  await ask();
  await cluster.resumeDisk(stalled);
  await cluster.advance("1h");
  await cluster.pause("leader");
  await ask();
}
// Handles are closed at the end of a turn of the event loop.
for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
const own = ["TTYWrap", "PipeWrap", "FSReqPromise", "Immediate", "CloseReq"];
const left = process.getActiveResourcesInfo().filter((name) => !own.includes(name));
process.stdout.write(`left: ${left.join(", ")}\n`);
