import { afterEach, expect, test, vi } from "vitest";
import { createGuard } from "./create-browser-guard.ts";
import { pageOrigin } from "./page-origin.ts";
import { ScriptedFetch } from "./scripted-fetch.fixture.ts";

const frame = { location: { origin: "null", protocol: "about:" } };

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each<[string, Parameters<typeof pageOrigin>[0], string | null]>([
  [
    "a page's own",
    { location: new URL("https://shop.example/cart"), origin: "https://shop.example" },
    "https://shop.example",
  ],
  [
    "a frame of srcdoc has that of the page around it",
    { ...frame, origin: "https://shop.example" },
    "https://shop.example",
  ],
  [
    "a sandboxed page keeps that of its address",
    { location: new URL("https://shop.example/"), origin: "null" },
    "https://shop.example",
  ],
  ["a file has none", { location: { origin: "null", protocol: "file:" }, origin: "null" }, null],
  ["where no page is there is none", {}, null],
])("%s", (_, scope, origin) => {
  expect(pageOrigin(scope)).toBe(origin);
});

test("in a frame of srcdoc a path leads to the origin of the page around it", async () => {
  vi.stubGlobal("location", frame.location);
  vi.stubGlobal("origin", "https://shop.example");
  const script = new ScriptedFetch();
  const guard = createGuard({ endpoints: "/limits", token: "t", fetch: script.fetch });
  expect(await guard.allow("k", "login")).toMatchObject({ allowed: true, source: "quorum" });
  expect(script.urls).toEqual(["https://shop.example/limits/quorumguard.v1.GuardService/AllowBatch"]);
  await guard.close();
});

test("in a page from a file a path is told to lead nowhere", async () => {
  vi.stubGlobal("location", { origin: "null", protocol: "file:" });
  vi.stubGlobal("origin", "null");
  const guard = createGuard({ endpoints: "/limits" });
  await expect(guard.allow("k", "login")).rejects.toMatchObject({
    code: "misconfigured",
    message: expect.stringContaining("write the whole URL"),
  });
  await guard.close();
});
