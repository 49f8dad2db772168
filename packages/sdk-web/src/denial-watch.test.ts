import { expect, test } from "vitest";
import { VirtualRuntime } from "../../sdk-core/src/testing/virtual-runtime.ts";
import { DenialWatch } from "./denial-watch.ts";
import type { Denied } from "./shared.ts";

const watched = { key: "k", policy: "login", cost: 1 };
const denial: Denied = {
  allowed: false,
  reason: "limited",
  retryAfterMs: 60_000,
  policy: "login",
  limit: 5,
  remaining: 0,
  resetAfterMs: 60_000,
  source: "quorum",
  degraded: false,
  shadow: null,
};

const admission = { ...denial, allowed: true, reason: null, retryAfterMs: 0 } as const;

test("a denial is over when its time is", async () => {
  const runtime = new VirtualRuntime();
  const watch = new DenialWatch(runtime);
  watch.note(watched, 1, denial);
  await runtime.pass(59_999);
  expect(watch.denialOf(watched)).toEqual({ decision: denial, retryAtMs: 61_000 });
  await runtime.pass(1);
  expect(watch.denialOf(watched)).toBeNull();
});

test("what a device sleeps is taken off, although its own clock stood still", async () => {
  const runtime = new VirtualRuntime();
  const watch = new DenialWatch(runtime);
  watch.note(watched, 1, denial);
  await runtime.pass(10_000);
  runtime.wallStepMs = 20_000;
  expect(watch.denialOf(watched)?.retryAtMs).toBe(41_000);
  await runtime.pass(29_999);
  expect(watch.denialOf(watched)?.retryAtMs).toBe(41_000);
  await runtime.pass(1);
  expect(watch.denialOf(watched)).toBeNull();
});

test("a clock that is set back changes nothing", async () => {
  const runtime = new VirtualRuntime();
  const watch = new DenialWatch(runtime);
  watch.note(watched, 1, denial);
  runtime.wallStepMs = -3_600_000;
  await runtime.pass(30_000);
  expect(watch.denialOf(watched)?.retryAtMs).toBe(61_000);
});

test("what a device sleeps after its clock was set back is taken off", async () => {
  const runtime = new VirtualRuntime();
  const watch = new DenialWatch(runtime);
  watch.note(watched, 1, denial);
  runtime.wallStepMs = -3_600_000;
  expect(watch.denialOf(watched)?.retryAtMs).toBe(61_000);
  runtime.wallStepMs += 50_000;
  expect(watch.denialOf(watched)?.retryAtMs).toBe(11_000);
});

test("sleep before a denial was heard is not taken off it, whoever looks first", () => {
  const runtime = new VirtualRuntime();
  const watch = new DenialWatch(runtime);
  watch.note({ ...watched, key: "earlier" }, 1, denial);
  runtime.wallStepMs = 20_000;
  watch.note(watched, 2, denial);
  expect(watch.denialOf(watched)?.retryAtMs).toBe(61_000);
  expect(watch.denialOf({ ...watched, key: "earlier" })?.retryAtMs).toBe(41_000);
});

test("a listener that was ended is not called, not even with what was decided before", async () => {
  const watch = new DenialWatch(new VirtualRuntime());
  const heard: string[] = [];
  const ends = ["first", "second"].map((name) =>
    watch.watch(watched, () => {
      heard.push(name);
      for (const end of ends) end();
    }),
  );
  watch.note(watched, 1, denial);
  await Promise.resolve();
  expect(heard).toEqual(["first"]);
});

test.each([true, false])(
  "a denial that is older than an admission, and heard after it, is none (watched: %s)",
  (isWatched) => {
    const watch = new DenialWatch(new VirtualRuntime());
    if (isWatched) watch.watch(watched, () => {});
    watch.note(watched, 2, admission);
    watch.note(watched, 1, denial);
    expect(watch.denialOf(watched)).toBeNull();
    watch.note(watched, 3, denial);
    expect(watch.denialOf(watched)).not.toBeNull();
  },
);

test("admissions make room before denials do", () => {
  const watch = new DenialWatch(new VirtualRuntime());
  watch.note(watched, 1, denial);
  for (let key = 0; key < 2_000; key++) watch.note({ ...watched, key: `k${key}` }, 1, admission);
  expect(watch.denialOf(watched)).not.toBeNull();
});

test("it has a bound: the oldest that nobody watches makes room", () => {
  const watch = new DenialWatch(new VirtualRuntime());
  watch.watch({ ...watched, key: "watched" }, () => {});
  watch.note({ ...watched, key: "watched" }, 1, denial);
  for (let key = 0; key < 1_000; key++) watch.note({ ...watched, key: `k${key}` }, 1, denial);
  expect(watch.denialOf({ ...watched, key: "watched" })).not.toBeNull();
  expect(watch.denialOf({ ...watched, key: "k0" })).toBeNull();
  expect(watch.denialOf({ ...watched, key: "k1" })).not.toBeNull();
});
