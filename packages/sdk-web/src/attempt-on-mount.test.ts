import { act, createElement, StrictMode, useEffect, useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, test, vi } from "vitest";
import type { BrowserGuard } from "./browser-guard.ts";
import { createGuard } from "./create-browser-guard.ts";
import { emptyPage } from "./empty-page.fixture.ts";
import { ScriptedFetch } from "./scripted-fetch.fixture.ts";
import { useRateLimit } from "./use-rate-limit.ts";

type Attempt = () => Promise<unknown>;

interface ChildProps {
  readonly attempt: Attempt;
  readonly onMount: (attempt: Attempt) => void;
}

interface ParentProps {
  readonly guard: BrowserGuard<"button">;
  readonly child: (props: ChildProps) => null;
  readonly onMount: (attempt: Attempt) => void;
}

function FromLayoutEffect({ attempt, onMount }: ChildProps) {
  useLayoutEffect(() => onMount(attempt), [attempt, onMount]);
  return null;
}

function FromEffect({ attempt, onMount }: ChildProps) {
  useEffect(() => onMount(attempt), [attempt, onMount]);
  return null;
}

function Parent({ guard, child, onMount }: ParentProps) {
  const { attempt } = useRateLimit(guard, "user:1", "button");
  return createElement(child, { attempt, onMount });
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  ["layout effect", FromLayoutEffect, false],
  ["layout effect in StrictMode", FromLayoutEffect, true],
  ["effect", FromEffect, false],
  ["effect in StrictMode", FromEffect, true],
])("a child's %s may attempt, and nobody once the component is gone", async (_, child, isStrict) => {
  const guard = createGuard<"button">({ endpoints: "http://localhost:7402", fetch: new ScriptedFetch().fetch });
  const attempts: Promise<unknown>[] = [];
  let attempt: Attempt | null = null;
  const onMount = (given: Attempt) => {
    attempt = given;
    attempts.push(given());
  };
  const root = createRoot(emptyPage());
  const parent = createElement(Parent, { guard, child, onMount });
  await act(async () => {
    root.render(isStrict ? createElement(StrictMode, null, parent) : parent);
  });
  expect(attempts).toHaveLength(isStrict ? 2 : 1);
  const ended = await act(() => Promise.allSettled(attempts));
  expect(ended).toMatchObject(attempts.map(() => ({ value: { allowed: true } })));
  await act(async () => root.unmount());
  await expect(attempt!()).rejects.toMatchObject({ code: "aborted", applied: "no" });
});
