import { Applied, ErrorReason } from "@quorumguard/proto";
import { createGuardCore } from "@quorumguard/sdk-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EarlyPlatform } from "../../sdk-core/src/testing/early-platform.ts";
import { ScriptedCluster } from "../../sdk-core/src/testing/scripted-cluster.ts";
import { describeTimers } from "../../sdk-core/src/testing/timers.contract.ts";
import { nodeRuntime } from "./node-runtime.ts";

describeTimers("Node's runtime", () => nodeRuntime);

describe("over timers that fire early", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  test.each([
    ["unavailable", ErrorReason.UNAVAILABLE],
    ["overloaded", ErrorReason.OVERLOADED],
  ])(
    "a call that a node refused as %s is sent again after the pause, and not when the next ping looks",
    async (_, reason) => {
      const platform = new EarlyPlatform(0.9);
      /** All that needs no time to pass. */
      const settle = async () => {
        for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      };
      const cluster = new ScriptedCluster(1);
      const runtime = { ...nodeRuntime, random: () => 1 };
      const guard = createGuardCore({ endpoints: "n1:7400", onUnavailable: "throw" }, cluster, runtime, {
        defaultEndpoints: "n1:7400",
        client: "test",
        endpointOf: (member) => member.grpcEndpoint,
      });
      try {
        const first = guard.allow("k", 5, "1m");
        await settle();
        await first;
        let refusals = 0;
        const [node] = cluster.nodes;
        node!.answers = (frame, stream) => {
          if (refusals++ > 0) stream.reply(frame);
          else stream.fail(frame, { reason, applied: Applied.NO, message: "not now" });
        };
        const fromMs = platform.nowMs;
        const second = guard.allow("k", 5, "1m").then(() => platform.nowMs - fromMs);
        await settle();
        platform.early = 0;
        for (let ms = 0; ms < 20; ms++) {
          platform.pass(1);
          await settle();
        }
        expect(platform.early).toBeGreaterThan(0);
        expect(refusals).toBe(2);
        expect(await second).toBeLessThan(20);
      } finally {
        await guard.close();
      }
    },
  );
});
