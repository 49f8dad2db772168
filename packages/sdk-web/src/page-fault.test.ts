import { expect, test } from "vitest";
import { createGuard } from "./create-browser-guard.ts";
import { pageFault } from "./page-fault.ts";
import { ScriptedFetch } from "./scripted-fetch.fixture.ts";

const page = (url: string) => ({ location: new URL(url) });
const failed = new TypeError("Failed to fetch");
const csp = "the page's Content-Security-Policy does not name it in connect-src";
const nobody = "nothing listens there or no network is up";
const certificate = "its certificate is not trusted";

test.each<[string, string, string, readonly string[]]>([
  [
    "another origin is one that has to list the page's",
    "https://limits.example",
    "https://shop.example/cart",
    [
      nobody,
      certificate,
      "it does not list the page's origin (--cors-origin https://shop.example of each node, or the proxy's list)",
      csp,
    ],
  ],
  ["its own origin needs no list", "https://shop.example/limits", "https://shop.example/", [nobody, certificate, csp]],
  ["a path is its own origin", "/limits", "http://shop.example/", [nobody, csp]],
  [
    "plain text is nothing for a page over TLS",
    "http://shop.example",
    "https://shop.example/",
    [
      nobody,
      "it has no https://, as an https:// page needs",
      "it does not list the page's origin (--cors-origin https://shop.example of each node, or the proxy's list)",
      csp,
    ],
  ],
])("%s", (_, endpoint, url, causes) => {
  const told = `a browser does not say why: ${causes.join(", or ")}; its console may`;
  expect(pageFault(endpoint, failed, page(url))).toBe(told);
});

test.each([
  ["NetworkError when attempting to fetch resource.", true],
  ["Load failed", true],
  ["fetch failed", false],
  ["Network connection lost.", false],
])("the words %j are a browser's: %s", (message, isBrowsers) => {
  expect(pageFault("https://a.example", new TypeError(message), {}) !== "").toBe(isBrowsers);
});

test("a page whose every call fails reads it in the error, until an endpoint has answered once", async () => {
  const script = new ScriptedFetch();
  const options = { endpoints: "https://limits.example", token: "t", onUnavailable: "throw", timeoutMs: 200 } as const;
  const guard = createGuard({ ...options, fetch: script.fetch });
  const fails = () => Promise.reject(failed);
  script.intercept = fails;
  await expect(guard.allow("a", "login")).rejects.toThrow(/Failed to fetch.*--cors-origin.*connect-src/);
  script.intercept = () => null;
  await guard.allow("a", "login");
  script.intercept = fails;
  await expect(guard.allow("b", "login")).rejects.toThrow(/Failed to fetch(?!.*--cors-origin)/);
  await guard.close();
});
