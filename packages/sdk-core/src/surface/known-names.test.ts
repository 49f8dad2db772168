import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { GuardError } from "./guard-error.ts";
import { checkNames, knownNames } from "./known-names.ts";

function guardOf(options: object) {
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  return createGuardCore(options, new ScriptedCluster(), new VirtualRuntime(), platform);
}

async function refusal(act: () => unknown): Promise<GuardError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof GuardError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const guard = guardOf({ policies: { login: { limit: 5, window: "1m" } } }) as never as {
  allow(...parts: unknown[]): Promise<unknown>;
  allowAll(...parts: unknown[]): Promise<unknown>;
  peek(check: unknown): Promise<unknown>;
  ready(options: unknown): Promise<unknown>;
};

describe("a name that nobody reads is refused, with the nearest and all known names", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "a guard's option",
      () => guardOf({ endpoint: "a:1" }),
      /^endpoint: .* guard; did you mean endpoints\?; known are endpoints, policies, /,
    ],
    [
      "a policy's field",
      () => guardOf({ policies: { api: { limit: 1, windowMs: 9 } } }),
      /^policies\.api\.windowMs: .*did you mean window\?/,
    ],
    [
      "another name for the endpoints",
      () => guardOf({ hosts: ["a:1"] }),
      /^hosts: .*; write endpoints: \["host:7400"\];/,
    ],
    ["what others call it", () => guardOf({ failOpen: true }), /^failOpen: .*; write onUnavailable: "allow";/],
    [
      "the same on a call",
      () => guard.allow("k", "login", { failOpen: true }),
      /^failOpen: .*; write onUnavailable: "allow";/,
    ],
    [
      "a policy's limit and window by other names",
      () => guardOf({ policies: { api: { max: 5, interval: 60 } } }),
      /^policies\.api\.max: .*; write limit; known are/,
    ],
    ["two letters swapped", () => guardOf({ onUnavailabel: "deny" }), /^onUnavailabel: .*did you mean onUnavailable\?/],
    [
      "two letters swapped in a short word",
      () => guard.allow("k", 5, "1m", { csot: 2 }),
      /^csot: .*did you mean cost\?/,
    ],
    [
      "a call's option",
      () => guard.allow("k", 5, "1m", { timeout: 5 }),
      /^timeout: .*did you mean timeoutMs\?; known are cost, /,
    ],
    ["a policy call's option", () => guard.allow("k", "login", { burst: 2 }), /^burst: .*a policy brings its own/],
    ["a group's cost", () => guard.allowAll([{ key: "k", policy: "login" }], { cost: 2 }), /^cost: .*each check/],
    [
      "a check's field",
      () => guard.allowAll([{ key: "k", limit: 1, window: "1s", costs: 2 }]),
      /^checks\[0\]\.costs: .*did you mean cost\?/,
    ],
    [
      "a policy check's limit",
      () => guard.peek({ key: "k", policy: "login", limit: 9 }),
      /^check\.limit: .*a policy brings its own/,
    ],
    ["an option of ready", () => guard.ready({ timeoutMS: 9 }), /^timeoutMS: .*did you mean timeoutMs\?/],
    ["an array for options", () => guard.allow("k", 5, "1m", ["cost"]), /^0: it is not an option of a call; known are/],
  ])("%s", async (_, act, message) => {
    const error = await refusal(act);
    expect(error).toMatchObject({ code: "invalid_argument", retry: "no" });
    expect(error.message).toMatch(message);
  });
});

describe("names", () => {
  const known = knownNames("an option", ["timeoutMs", "cost"]);

  test("nothing is suggested for what is not alike", () => {
    expect(() => checkNames({ colour: 1 }, known)).toThrow("colour: it is not an option; known are timeoutMs, cost");
    expect(() => checkNames({ ["x".repeat(10_000)]: 1 }, known)).toThrow(/known are/);
  });

  test("details name the field, its value, the nearest and the known", async () => {
    const error = await refusal(() => checkNames({ timeoutMS: 7 }, known, "options"));
    const details = { field: "options.timeoutMS", value: 7, nearest: "timeoutMs", known: ["timeoutMs", "cost"] };
    expect(error.details).toEqual(details);
  });

  test("what lies on a prototype is not the caller's", () => {
    expect(() => checkNames(Object.create({ colour: 1 }), known)).not.toThrow();
  });
});
