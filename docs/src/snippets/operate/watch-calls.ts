import { subscribe } from "node:diagnostics_channel";
import { type CallDecidedMessage, type CallSentMessage, createGuard } from "@quorumguard/sdk-node";

subscribe("quorumguard.call.sent", (message) => {
  const { call, attempt } = message as CallSentMessage;
  console.log(`${call.verb} of ${call.key}: attempt ${attempt}`);
});
subscribe("quorumguard.call.decided", (message) => {
  const { call, decisions } = message as CallDecidedMessage;
  for (const { allowed, source } of decisions)
    console.log(`${call.key}: ${allowed ? "allowed" : "denied"} by ${source}`);
});

const guard = createGuard();
await guard.allow("docs:watched", 5, "1h");
await guard.close();
