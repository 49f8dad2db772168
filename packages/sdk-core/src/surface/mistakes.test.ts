import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError } from "../transport.ts";
import { unknownPolicy } from "./allow-arguments.ts";
import { GuardError } from "./guard-error.ts";
import type { GuardOptions } from "./guard-options.ts";
import { resolveGuardOptions } from "./guard-options.ts";

/** What people write who do not know the types. */
type Loose = Record<"allow" | "allowAll" | "reserve" | "wait" | "peek" | "reset" | "ready", Method> & {
  on(...args: unknown[]): unknown;
};
type Method = (...args: unknown[]) => Promise<unknown>;

function scene(options: GuardOptions = {}) {
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  const runtime = new VirtualRuntime();
  const cluster = new ScriptedCluster();
  const typed = createGuardCore(options, cluster, runtime, platform);
  return { runtime, cluster, typed, guard: typed as unknown as Loose };
}

async function errorOf(promise: Promise<unknown>): Promise<GuardError> {
  const error = await promise.then(
    (value) => expect.unreachable(`resolved with ${String(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GuardError);
  return error as GuardError;
}

/** The first line of an error's stack after its message. */
const firstFrame = (error: Error): string =>
  error.stack
    ?.split("\n")
    .find((line) => /^\s+at /.test(line))
    ?.trim() ?? "";

describe("a mistake's stack begins at the line that made it", () => {
  const { guard } = scene();
  const mistakes: Record<string, () => Promise<unknown>> = {
    allow: function userOfAllow() {
      return guard.allow("k", 5, 60);
    },
    allowAll: function userOfAllowAll() {
      return guard.allowAll([{ key: "k", limit: -1, window: "1m" }]);
    },
    reserve: function userOfReserve() {
      return guard.reserve("k", 5, "1m");
    },
    wait: function userOfWait() {
      return guard.wait({ key: "k", limit: 5, window: "1m" }, {});
    },
    peek: function userOfPeek() {
      return guard.peek("k");
    },
    reset: function userOfReset() {
      return guard.reset("k");
    },
    ready: function userOfReady() {
      return guard.ready(5);
    },
    options: function userOfOptions() {
      return guard.allow("k", 5, "1m", { timeoutMs: 0 });
    },
    taken: function userOfTaken() {
      const { allow } = guard;
      return allow("", 5, "1m");
    },
  };

  test.each(Object.entries(mistakes))("%s", async (_, mistake) => {
    const error = await errorOf(mistake());
    expect(firstFrame(error)).toContain(mistake.name);
    expect(error.stack).toContain(error.message);
  });

  test("on, which throws", () => {
    const userOfOn = () => guard.on("degradet", () => {});
    const error = thrownBy(userOfOn);
    expect(firstFrame(error)).toContain("userOfOn");
    expect(error.message).toContain('"degradet"');
  });

  test("a runtime that has no captureStackTrace tells the same", async () => {
    const { captureStackTrace } = Error as { captureStackTrace?: unknown };
    try {
      Object.assign(Error, { captureStackTrace: undefined });
      expect((await errorOf(guard.allow("", 5, "1m"))).message).toMatch(/^key: ""/);
    } finally {
      Object.assign(Error, { captureStackTrace });
    }
  });
});

function thrownBy(mistake: () => unknown): GuardError {
  try {
    mistake();
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return error as GuardError;
  }
  return expect.unreachable("nothing was thrown");
}

describe("a call in another method's form is shown its own", () => {
  const check = '{ key: "user:1", limit: 5, window: "1m" }';
  test.each([
    ["reserve", ["user:1", 5, "1m"], "check", `reserve(${check})`],
    ["reserve", ["user:1", "login"], "check", 'or a policy\'s name: { key: "user:1", policy: "login" }'],
    ["wait", ["user:1", 0, "1m"], "check", `wait(${check}, { timeoutMs: 5_000 })`],
    ["peek", ["user:1", 5, "1m"], "check", `peek(${check})`],
    ["reset", ["user:1"], "check", `check: "user:1" is not a check; write reset(${check})`],
    [
      "allow",
      [{ key: "k", limit: 5, window: "1m" }],
      "key",
      'key: an object is not a string; write allow("k", 5, "1m") .* (reserve, wait, peek and reset take an object)',
    ],
    ["allow", [{ key: "k", policy: "login" }], "key", 'or allow("k", "login") under a policy'],
    ["allow", [["user", "42"], 5, "1m"], "key", "key: an array is not a string"],
    ["allow", [5, "k", "1m"], "key", 'key: 5 is a number, and the key comes first; write allow("k", 5, "1m")'],
    ["allow", [42, "login"], "key", "a key that is a number is written String(42)"],
    ["allow", [Promise.resolve("k"), "login"], "key", "key: a promise is not a string; await it before"],
    ["allow", [5, "1m", "k"], "key", "key: 5 is a number, and the key comes first"],
    ["allow", [42, 5, "1m"], "key", "key: 42 is out of bounds: it must be a string; write String(id)"],
    ["allow", [42n, 5, "1m"], "key", "key: 42n is out of bounds: it must be a string; write String(id)"],
    [
      "allow",
      [],
      "key",
      'key: it is missing; write what is limited, such as user.id, and for who has none .* user?.id ?? "anonymous"',
    ],
    ["allow", ["", 5, "1m"], "key", 'key: "" is empty; write what is limited, such as user.id'],
    ["allow", [null, 5, "1m"], "key", "key: it is null; write what is limited"],
    ["peek", [{ limit: 5, window: "1m" }], "check.key", "check.key: it is missing; write what is limited"],
    [
      "peek",
      [{ key: "a36" }],
      "check.limit",
      'check.limit: it is missing; write { key: "a36", limit: 5, window: "1m" }, or a policy\'s name: { key: "a36", policy: "login" }',
    ],
    [
      "allow",
      ["a14", { limit: 7, window: "1h" }],
      "limit",
      'limit: an object is not a limit; write allow("a14", 7, "1h"), options come after these',
    ],
    ["allow", ["a14", null], "limit", 'limit: null is not a limit; write allow("a14", 5, "1m")'],
    ["allow", ["a14", 9, { window: "2m" }], "window", 'window: an object is not a window; write allow("a14", 9, "2m")'],
    ["allow", ["a14", 9, { cost: 2 }], "window", 'write allow("a14", 9, "1m"), options come after these'],
    [
      "allowAll",
      [{ key: "a", limit: 5, window: "1m" }, {}],
      "checks",
      "checks: an object is not an array; write an array",
    ],
    ["allowAll", [[]], "checks", "checks: it is an empty list, .* write an array of checks: allowAll([{ key"],
    [
      "allowAll",
      ["a", 5, "1m"],
      "checks",
      'write an array of checks: allowAll([{ key: "k", limit: 5, window: "1m" }, …])',
    ],
    [
      "allowAll",
      [["a", "b"], 5, "1m"],
      "checks[0]",
      'checks[0]: "a" is not a check; write allowAll([{ key: "a", limit: 5',
    ],
    [
      "allowAll",
      [[{ key: "a", limit: 5, window: "1m" }], 5],
      "options",
      "options: 5 is not an object; each check has its",
    ],
  ] as const)("%s(%o)", async (method, args, field, message) => {
    const error = await errorOf(scene().guard[method](...args));
    expect(error).toMatchObject({ code: "invalid_argument", details: { field } });
    for (const part of message.split(" .* ")) expect(error.message).toContain(part);
  });
});

describe("an error that comes after the call was sent has the lines that await it", () => {
  test.each(["allow", "allowAll", "reserve", "wait", "peek", "reset", "ready"] as const)("%s", async (method) => {
    const { guard, typed, runtime, cluster } = scene({ onUnavailable: "throw", timeoutMs: 100, endpoints: "nobody:1" });
    cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "nobody:1: nobody is there"));
    const check = { key: "k", limit: 5, window: "1m" };
    const args = {
      allow: ["k", 5, "1m"],
      allowAll: [[check]],
      reserve: [check],
      wait: [check, { timeoutMs: 50 }],
      peek: [check],
      reset: [check],
      ready: [{ timeoutMs: 100 }],
    }[method];
    async function handler(): Promise<unknown> {
      const answer = await guard[method](...args);
      return answer;
    }
    async function route(): Promise<unknown> {
      const answer = await handler();
      return answer;
    }
    const failed = errorOf(route());
    await runtime.pass(500);
    const { message, stack } = await failed;
    expect(stack).toContain(message);
    const names = [...(stack ?? "").matchAll(/at (?:async )?(\w+) \(/g)].map(([, name]) => name);
    expect(names.slice(0, 2)).toEqual(["handler", "route"]);
    await typed.close();
  });

  test("one that nobody awaits keeps the line where it was noticed", async () => {
    const { guard, typed, runtime } = scene({ onUnavailable: "throw", timeoutMs: 100, endpoints: "nobody:1" });
    const seen: GuardError[] = [];
    guard.allow("k", 5, "1m").then(undefined, (error: GuardError) => seen.push(error));
    await runtime.pass(500);
    expect(seen[0]!.stack).toMatch(/\n\s+at /);
    await typed.close();
  });
});

test("methods may be taken from their guard", async () => {
  const { typed, runtime } = scene();
  const { allow, allowAll, reserve, peek, on, close } = typed;
  const decided = Promise.all([
    allow("k", 5, "1m"),
    allowAll([{ key: "k", limit: 5, window: "1m" }]),
    reserve({ key: "k", limit: 5, window: "1m" }),
  ]);
  on("degraded", () => {})();
  await runtime.settle();
  expect((await decided).map(({ allowed }) => allowed)).toEqual([true, true, true]);
  expect(typeof peek).toBe("function");
  expect(Object.keys(typed)).toEqual([]);
  await close();
  expect((await errorOf(allow("k", 5, "1m"))).code).toBe("closed");
});

describe("what an error carries", () => {
  test.each([
    ["a key of 10 kB", ["k".repeat(10_000), 5, "1m"], `${"k".repeat(40)}…`],
    ["a bigint", ["k", 5n, "1m"], "5n"],
    ["a function", ["k", 5, "1m", () => 1], "a function"],
    ["an object that holds a bigint", ["k", 5, { window: 1n }], "an object"],
    ["an array that holds itself", [selfContained(), 5, "1m"], "an array"],
    ["a symbol", [Symbol("five"), 5, "1m"], "Symbol(five)"],
    ["null", ["k", 5, "1m", { cost: null }], null],
    ["a number", ["k", 0.5, "1m"], 0.5],
  ])("%s is short, and JSON can write it", async (_, args, value) => {
    const error = await errorOf(scene().guard.allow(...args));
    expect(JSON.parse(JSON.stringify(error)).details.value).toEqual(value);
  });
});

function selfContained(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

describe("words and numbers that were nearly right", () => {
  const call = (options: object) => scene().guard.allow("k", 5, "1m", options);
  test.each([
    [{ algorithm: "token_bucket" }, 'algorithm: "token_bucket" .* did you mean "token-bucket"?'],
    [{ algorithm: "TokenBucket" }, 'did you mean "token-bucket"?'],
    [{ algorithm: "sliding-window" }, 'did you mean "sliding-window-log"?'],
    [{ onUnavailable: "Deny" }, 'onUnavailable: "Deny" .* did you mean "deny"?'],
    [{ onUnavailable: "open" }, 'did you mean "allow"?'],
    [{ onUnavailable: "fail-closed" }, 'did you mean "deny"?'],
    [{ timeoutMs: "5s" }, 'timeoutMs: "5s" is a string; write the number 5000 (milliseconds)'],
    [{ timeoutMs: "500" }, 'timeoutMs: "500" is a string; write the number 500'],
    [{ cost: "5s" }, 'cost: "5s" is out of bounds: it must be a whole number from 1 to 2147483647'],
  ])("%o", async (options, message) => {
    const error = await errorOf(call(options));
    for (const part of message.split(" .* ")) expect(error.message).toContain(part);
  });

  test("an algorithm that nothing is like", async () => {
    const { message } = await errorOf(call({ algorithm: "fair" }));
    expect(message).toMatch(/^algorithm: "fair" .* it must be one of sliding-window-log, .*concurrency$/);
  });
});

describe("options of a guard that are no object", () => {
  test.each([
    ["h:7400", 'options: "h:7400" is not an object; write createGuard({ endpoints: "h:7400" })'],
    ["http://me:secret@h:7400", 'options: a string is not an object; write createGuard({ endpoints: "host:7400" })'],
    [["a:1"], 'options: an array is not an object; write createGuard({ endpoints: ["a:7400", "b:7400"] })'],
    [7400, 'options: 7400 is not an object; write createGuard({ endpoints: "host:7400" })'],
  ])("%s", (options, message) => {
    const error = thrownBy(() => resolveGuardOptions(options as never, "a:1"));
    expect(error).toMatchObject({ code: "invalid_argument", message, details: { field: "options" } });
    expect(JSON.stringify(error)).not.toContain("secret");
  });
});

test.each([
  [5, "timeoutMs: 5 is 5 ms for the whole call: .* if seconds are meant, write timeoutMs: 5_000"],
  [10, null],
])("a deadline of %i ms is warned of when the guard is made, if it is hardly meant", (timeoutMs, message) => {
  const warnings: string[] = [];
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  const warn = (text: string, about: string) => void warnings.push(`${about}: ${text}`);
  createGuardCore({ timeoutMs }, new ScriptedCluster(), new VirtualRuntime(), { ...platform, warn });
  expect(warnings).toHaveLength(message === null ? 0 : 1);
  for (const part of message?.split(" .* ") ?? []) expect(warnings[0]).toContain(part);
});

test.each([
  ["a guard that has policies", ["policies"], true],
  ["a page's, which has none", ["token"], false],
])("%s is told where an unknown one can be defined", (_, names, told) => {
  const { mayDefine } = resolveGuardOptions({}, "a:1", names);
  const { message } = unknownPolicy(["login"], [], mayDefine);
  expect(message).toContain("`quorumguard policy put`");
  expect(message.includes("createGuard({ policies })")).toBe(told);
});

describe("a token that is none", () => {
  test.each([
    ["", "token: it is empty; write the token, a string, or a function"],
    [null, "token: it is null; write the token"],
    [12345, "token: it is a number; write the token"],
    [{ secret: "s3cret" }, "token: it is an object; write the token"],
    [
      Promise.resolve("s3cret"),
      "token: it is a promise; write the function that fetches it, .* token: () => fetchToken()",
    ],
  ])("%o", (token, message) => {
    const error = thrownBy(() => resolveGuardOptions({ token } as never, "a:1"));
    for (const part of message.split(" .* ")) expect(error.message).toContain(part);
    expect(error.message + JSON.stringify(error)).not.toMatch(/s3cret|12345/);
  });
});

test("a list of no endpoints", () => {
  expect(thrownBy(() => resolveGuardOptions({ endpoints: [] }, "a:1")).message).toBe(
    'endpoints: it is an empty list; leave it out (undefined) for the default, or write "host:7400"',
  );
});

test("a call that nobody awaited before close is told so", async () => {
  const { typed } = scene();
  const waiting = errorOf(typed.allow("k", 5, "1m"));
  const inLine = errorOf(typed.wait({ key: "k", limit: 5, window: "1m" }, { timeoutMs: 500 }));
  await typed.close();
  const [late, queued] = [await waiting, await inLine];
  expect(late.message).toMatch(/while the call waited for an answer; await it before close\(\)$/);
  expect(queued.message).toMatch(/the call waited for .*; await it before close\(\)$/);
  for (const { details } of [late, queued]) expect(details).toEqual({ key: "k" });
});
