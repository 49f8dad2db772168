/** One client process: opens what its task names, and calls in a closed loop whenever it is told to. */
import { clients } from "../clients/index.ts";
import { runClosedLoop } from "./closed-loop.ts";
import { type KeySequence, keySequence } from "./keys.ts";
import type { ClientMessage, ClientOrder, ClientTask } from "./messages.ts";

const { client: name, place } = JSON.parse(process.argv[2]!) as ClientTask;
const client = await clients[name](place);
const tell = (message: ClientMessage) => process.send?.(message);

let loaded: { readonly keys: KeySequence; readonly inFlight: number; readonly durationMs: number } | null = null;

process.on("message", async (order: ClientOrder) => {
  if (order.kind === "load") {
    const { inFlight, durationMs, keys, sample, own, seed } = order;
    loaded = { keys: keySequence(keys, sample, own, seed), inFlight, durationMs };
    tell({ kind: "loaded" });
  } else if (order.kind === "begin") {
    if (loaded === null) throw new Error("a client process is to begin before it knows with what");
    tell({ kind: "report", report: await runClosedLoop(client, loaded.keys, loaded.inFlight, loaded.durationMs) });
  } else {
    await client.close();
    process.disconnect();
  }
});
process.on("disconnect", () => process.exit(0));
tell({ kind: "open", decisionsPerCall: client.decisionsPerCall });
