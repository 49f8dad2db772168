import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import type { Policy } from "./guard.ts";

type Loose = Record<"allow" | "peek", (...args: unknown[]) => Promise<unknown>>;

function guard(policies: Readonly<Record<string, Policy>> = {}): Loose {
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  return createGuardCore({ policies }, new ScriptedCluster(), new VirtualRuntime(), platform) as unknown as Loose;
}

const login = { login: { limit: 5, window: "1m" } } as const;
const refusal = (field: string, message: string) => ({ code: "invalid_argument", message, details: { field } });

describe("a call written for another shape is told the right one", () => {
  test.each([
    [
      "a limit as text",
      ["k", "5", "1m"],
      "limit",
      'limit: "5" is a string; write the number 5 (a string here names a policy)',
    ],
    [
      "a limit as text and no window",
      ["k", "5"],
      "limit",
      'limit: "5" is a string; write the number 5 (a string here names a policy), and a window after it: allow(key, 5, "1m")',
    ],
    [
      "window and limit in each other's place",
      ["k", "1m", 5],
      "policy",
      'policy: "1m" is not a policy of this guard; the limit comes before the window: allow(key, 5, "1m")',
    ],
    [
      "no limit",
      ["k", undefined, "1m"],
      "limit",
      'limit: it is missing; give a limit and a window, such as allow(key, 5, "1m"), or a policy\'s name',
    ],
    [
      "no window",
      ["k", 5],
      "window",
      "window: it is missing; write milliseconds as a number from 1000 on, in whole seconds, or a number with a unit",
    ],
    ["no key", [undefined, 5, "1m"], "key", "key: it is missing; write what is limited"],
    ["a key that is no text", [7, 5, "1m"], "key", "key: 7 is out of bounds: it must be a string; write String(id)"],
    [
      "options that are text",
      ["k", 5, "1m", "token-bucket"],
      "options",
      'options: "token-bucket" is not an object; write options',
    ],
    ["a cost as text", ["k", 5, "1m", { cost: "2" }], "cost", 'cost: "2" is a string; write the number 2'],
    ["a limit that is a bigint", ["k", 5n, "1m"], "limit", "limit: 5n is out of bounds: it must be a whole number"],
  ])("%s", async (_, args, field, message) => {
    await expect(guard().allow(...args)).rejects.toMatchObject(
      refusal(field, expect.stringContaining(message) as never),
    );
  });

  test("a limit as text, on a guard with policies", async () => {
    const message = 'limit: "5" is a string; write the number 5 (a string here names a policy)';
    await expect(guard(login).allow("k", "5", "1m")).rejects.toMatchObject(refusal("limit", message));
  });

  test("a policy whose name is a number is that policy", async () => {
    const message =
      'options: "1m" is not an object; the policy "5" brings its own limit and window, and only options may follow it, such as { cost: 2 }';
    await expect(guard({ 5: login.login }).allow("k", "5", "1m")).rejects.toMatchObject(refusal("options", message));
  });

  test("a limit or a window after a policy", async () => {
    const brings =
      'the policy "login" brings its own limit and window, and only options may follow it, such as { cost: 2 }';
    const options = (value: string) => refusal("options", `options: ${value} is not an object; ${brings}`);
    await expect(guard(login).allow("k", "login", 5)).rejects.toMatchObject(options("5"));
    await expect(guard(login).allow("k", "login", 5, "1m")).rejects.toMatchObject(options("5"));
    await expect(guard(login).allow("k", "login", "1m")).rejects.toMatchObject(options('"1m"'));
  });

  test("a window after a policy that only the cluster may know", async () => {
    const message = 'options: "1m" is not an object; the policy "logn" brings its own limit and window';
    const expected = refusal("options", expect.stringContaining(message) as never);
    await expect(guard(login).allow("k", "logn", "1m")).rejects.toMatchObject(expected);
  });

  test("a policy whose name is too long", async () => {
    const expected = refusal("policy", expect.stringMatching(/^policy: .*129 bytes.*128/) as never);
    await expect(guard(login).allow("k", "p".repeat(129))).rejects.toMatchObject(expected);
  });
});

describe("a check written for another shape", () => {
  test.each([
    [{ key: "k", limit: "5", window: "1m" }, "check.limit", 'check.limit: "5" is a string; write the number 5'],
    [{ key: "k", limit: 5 }, "check.window", "check.window: it is missing; write milliseconds"],
    [{ key: "k", policy: undefined }, "check.policy", "check.policy: it is missing; write a policy's name"],
    [{ key: "k", policy: 5 }, "check.policy", "check.policy: 5 is out of bounds: it must be a string"],
    [{ limit: 5, window: "1m" }, "check.key", "check.key: it is missing; write what is limited"],
    [undefined, "check", 'check: it is missing; write peek({ key: "k", limit: 5, window: "1m" })'],
  ])("%o", async (check, field, message) => {
    await expect(guard().peek(check)).rejects.toMatchObject(refusal(field, expect.stringContaining(message) as never));
  });
});
