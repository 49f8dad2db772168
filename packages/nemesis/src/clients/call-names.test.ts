import { channel } from "node:diagnostics_channel";
import type { CallSentMessage, CallStartedMessage, ObservedCall } from "@quorumguard/sdk-node";
import { expect, test } from "vitest";
import { createCallNames, type NamedCall } from "./call-names.ts";
import { ledgerRule } from "./workload.ts";

const items = (key: string) => [{ key, rule: ledgerRule, cost: 1 }];
const started = channel("quorumguard.call.started");
const sent = channel("quorumguard.call.sent");

/** Names, and a guard of which only what it publishes is there. */
function scene() {
  const names = createCallNames();
  const ask = (key: string): { readonly named: NamedCall; readonly call: ObservedCall } => {
    const call: ObservedCall = { verb: "take", key, policy: null, checks: 1, timeoutMs: 1_000 };
    const { call: named } = names.asking(items(key), async () => {
      started.publish({ call } satisfies CallStartedMessage);
    });
    return { named, call };
  };
  const send = ({ call }: { readonly call: ObservedCall }, number: number) =>
    sent.publish({ call, endpoint: "n1:7400", attempt: 1, number } satisfies CallSentMessage);
  return { names, ask, send };
}

test("a number seen on the wire goes to the call that its guard gave it to, whichever is seen first", () => {
  const { names, ask, send } = scene();
  const [first, second, other] = [ask("a"), ask("a"), ask("b")];
  send(first, 1);
  send(other, 2);
  send(second, 3);
  // The first frame of number 1 went to a stream that was gone: it is seen when it is sent again.
  names.numbered("1:0#3", items("a"));
  names.numbered("1:0#2", items("b"));
  names.numbered("1:0#1", items("a"));
  expect([first, second, other].map(({ named }) => named.callId)).toEqual(["1:0#1", "1:0#3", "1:0#2"]);
});

test("a call that was never sent has no name, and one that starts over in a new session gets another", () => {
  const { names, ask, send } = scene();
  const [gone, call] = [ask("a"), ask("a")];
  send(call, 1);
  names.numbered("1:0#1", items("a"));
  send(call, 5);
  names.numbered("9:0#5", items("a"));
  expect([gone.named.callId, call.named.callId]).toEqual([null, "9:0#5"]);
});

test("a number whose items are not those that were asked for names nothing, so that the judge finds it without a caller", () => {
  const { names, ask, send } = scene();
  const call = ask("a");
  send(call, 1);
  names.numbered("1:0#1", items("b"));
  expect(call.named.callId).toBeNull();
});

test("calls that nobody asked for here, such as a guard's own, are not named", () => {
  const { names, ask, send } = scene();
  const own: ObservedCall = { verb: "grant", key: "a", policy: null, checks: 1, timeoutMs: 1_000 };
  started.publish({ call: own } satisfies CallStartedMessage);
  const call = ask("a");
  send({ call: own }, 1);
  names.numbered("1:0#1", items("a"));
  expect(call.named.callId).toBeNull();
});
