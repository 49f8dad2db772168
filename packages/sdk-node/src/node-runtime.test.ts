import { afterEach, expect, it, vi } from "vitest";
import { nodeRuntime } from "./node-runtime.ts";

afterEach(() => vi.restoreAllMocks());

it("a timer that is longer than Node's longest does not fire at once", () => {
  const setTimeout = vi.spyOn(globalThis, "setTimeout");
  // The third part of the longest life of a session: its renewal.
  const cancel = nodeRuntime.setTimer(() => {}, (400 * 86_400_000) / 3);
  expect(setTimeout.mock.lastCall?.[1]).toBe(2 ** 31 - 1);
  cancel();
});
