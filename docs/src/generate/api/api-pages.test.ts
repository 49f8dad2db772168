import { beforeAll, expect, test } from "vitest";
import { anchorOf } from "../markdown.ts";
import type { Page } from "../page.ts";
import { sharedApi } from "../testing/shared-api.ts";
import { apiPages } from "./api-pages.ts";
import type { Api } from "./read-api.ts";

let api: Api;
let pages: readonly Page[];
beforeAll(async () => {
  api = await sharedApi();
  pages = apiPages(api);
}, 120_000);

function bodyOf(path: string): string {
  const found = pages.find((page) => page.path === path);
  if (found === undefined) throw new Error(`no page ${path}`);
  return found.body;
}

test.each([
  ["packages/sdk-node/src/index.ts", "reference/sdk-node"],
  ["packages/sdk-web/src/index.ts", "reference/sdk-web"],
  ["packages/sdk-web/src/edge.ts", "reference/sdk-web-edge"],
  ["packages/middleware/src/index.ts", "reference/middleware"],
  ["packages/cluster/src/index.ts", "reference/cluster"],
  ["packages/cluster/src/testing-kit/index.ts", "reference/cluster"],
])("every export of %s has one section on %s, or a link to the page that explains it", (entryPoint, path) => {
  const body = bodyOf(path);
  const exported = api.exportsOf(entryPoint);
  expect(exported.length).toBeGreaterThanOrEqual(10);
  for (const { name } of exported) {
    const sections = body.match(new RegExp(`^### ${name}$`, "gm")) ?? [];
    const links =
      body.match(new RegExp(`^- \\[\`${name}\`\\]\\(/reference/[\\w-]+/#${anchorOf(name)}\\)(?:: .*)?$`, "gm")) ?? [];
    expect(sections.length + links.length, name).toBe(1);
  }
});

test("the SDK's page shows the shared types in full", () => {
  const body = bodyOf("reference/sdk-node");
  for (const name of ["Guard", "NodeGuardOptions", "Allowed", "Denied", "Decision", "GuardError", "GuardErrorCode"]) {
    expect(body).toMatch(new RegExp(`^### ${name}$`, "m"));
  }
  expect(body).toMatch(/interface GuardOptions<P[\s\S]*?timeoutMs\?: number \| undefined;[\s\S]*?\n}/);
  expect(body).toMatch(/interface Guard<P[\s\S]*?allow\(key: string, policy: P[\s\S]*?allow\(\n {2}/);
});

test("options that leave out some of their parent's are shown with all that they have", () => {
  const body = bodyOf("reference/sdk-web-edge");
  const [, shown = ""] = /interface EdgeGuardOptions.*\{\n([\s\S]*?)\n\}/.exec(body) ?? [];
  expect(shown).toMatch(/timeoutMs\?: number \| undefined;[\s\S]*fetch\?: Fetch \| undefined;/);
  expect(shown).not.toContain("routing");
});

test("types that signatures name without an export are shown as well", () => {
  const [, unnamed = ""] = bodyOf("reference/cluster").split("## Types without an export");
  expect(unnamed).toContain("### Bounds");
});

test("errors that a function throws are listed with their codes", () => {
  expect(bodyOf("reference/sdk-node")).toMatch(
    /\*\*Throws\*\*\n\n- \[`GuardError`\]\(#guarderror\) `invalid_argument` when/,
  );
});

test("nothing of the sources' own notation is left, and nobody's private members are shown", () => {
  for (const { path, body } of pages) {
    expect(body, path).not.toMatch(/\{@|SEMANTICS [A-Z]\d|@throws|^\s*#[a-z]\w*[:(;]/m);
    expect(body, path).not.toContain("export ");
  }
});

test("no page has two headings with one anchor", () => {
  for (const { path, body } of pages) {
    const anchors = [...body.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    expect(new Set(anchors).size, path).toBe(anchors.length);
  }
});
