import { act, createElement } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BrowserGuard } from "./browser-guard.ts";
import { createGuard, maxDenialAgeMs } from "./create-browser-guard.ts";
import { emptyPage } from "./empty-page.fixture.ts";
import { denied, ScriptedFetch } from "./scripted-fetch.fixture.ts";
import { type RateLimit, useRateLimit } from "./use-rate-limit.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

interface ButtonProps {
  readonly guard: BrowserGuard<"button">;
  readonly show: (limit: RateLimit) => void;
}

function Button({ guard, show }: ButtonProps) {
  show(useRateLimit(guard, "user:1", "button"));
  return null;
}

/** A button on a page, and what it shows. */
async function mounted() {
  const script = new ScriptedFetch();
  const guard = createGuard<"button">({ endpoints: "http://localhost:7402", fetch: script.fetch });
  let limit!: RateLimit;
  const show = (next: RateLimit) => {
    limit = next;
  };
  await act(async () => createRoot(emptyPage()).render(createElement(Button, { guard, show })));
  const press = () => act(() => limit.buttonProps.onClick());
  const answered = () => act(() => expect.poll(() => limit.pending).toBe(false));
  return { script, press, answered, limit: () => limit };
}

test.each<[string, ScriptedFetch["cluster"]["decides"], number | null]>([
  ["reset with an hour to go", () => denied(3_600_000), 3_600],
  ["unblocked", () => ({ outcome: 4, remaining: 0, retryAfterMs: undefined, firmForMs: 60_000n }), null],
])(
  "a press of a denied button finds out that its key was %s, at the price of one request",
  async (_, decides, seconds) => {
    const { script, press, answered, limit } = await mounted();
    script.cluster.decides = decides;
    press();
    await answered();
    expect(limit()).toMatchObject({ allowed: false, secondsLeft: seconds, buttonProps: { "aria-disabled": true } });
    script.cluster.decides = () => ({ remaining: 4 });
    await act(() => vi.advanceTimersByTimeAsync(maxDenialAgeMs - 1_000));
    press();
    await answered();
    expect(limit()).toMatchObject({ allowed: false, buttonProps: { "aria-disabled": true } });
    expect(script.urls).toHaveLength(1);
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    press();
    await answered();
    expect(limit()).toMatchObject({ allowed: true, remaining: 4, secondsLeft: null, announcement: "" });
    expect(limit().buttonProps["aria-disabled"]).toBe(false);
    expect(script.urls).toHaveLength(2);
  },
);

test("a button whose attempt is on its way says that it is busy, and a press of it does nothing", async () => {
  const { script, press, answered, limit } = await mounted();
  press();
  expect(limit().buttonProps["aria-busy"]).toBe(true);
  press();
  await answered();
  expect(limit().buttonProps["aria-busy"]).toBe(false);
  expect(script.batches).toEqual([["user:1"]]);
});
