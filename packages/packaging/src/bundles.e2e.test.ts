import { expect, inject, it } from "vitest";
import { bundle, describeBundle } from "./bundle.ts";
import { closureOf, entriesOf, readPublished } from "./published-package.ts";

const { unpacked, edge } = inject("workbench");
const specifiers = closureOf("@quorumguard/sdk-web", readPublished(unpacked))
  .flatMap(entriesOf)
  .map(({ specifier }) => specifier);
/** One small thing each, and modules that need not come with it. */
const smallThings = [
  ["GuardError", "@quorumguard/sdk-web/edge"],
  ["GuardError", "@quorumguard/sdk-web"],
  ["guardErrorCodes", "@quorumguard/sdk-core"],
  ["algorithmNames", "@quorumguard/limiter"],
] as const;

/** The guard of pages is 45,900, and that of the edge 42,900; messages that help will come to them. */
const maxGuardGzipBytes = 47_000;
/** What a page with React loads of ours, all of it: this was promised. */
const maxPageGzipBytes = 50_000;
/**
 * What a guard over `fetch` has no use for, and would weigh as much again: it has no streams, and reads plain calls by tables. Of
 * protobuf's own code only base64 is, which tokens are written in.
 */
const isForStreams = (module: string) =>
  /^@bufbuild\/(?!protobuf\/dist\/esm\/wire\/base64-encoding\.js$)|\/(session-client|connector|link|local-answers|lease-keeper|frame-(reply-)?codec)\.js$/.test(
    module,
  );
const maxSmallGzipBytes = 2_000;
/** A busy machine takes seconds to start a bundler. */
const timeout = 180_000;

it("nothing runs, and so nothing stays, when an entry is imported for no name", { timeout }, async () => {
  expect(specifiers.length).toBeGreaterThan(4);
  for (const specifier of specifiers) {
    expect((await bundle(`import "${specifier}";`, edge.folder)).minifiedBytes, specifier).toBe(0);
  }
});

it.each(smallThings)("%s of %s comes without the rest", { timeout }, async (name, specifier) => {
  const whole = await bundle(`export * from "${specifier}";`, edge.folder);
  const small = await bundle(`export { ${name} } from "${specifier}";`, edge.folder);
  expect(small.gzipBytes).toBeGreaterThan(50);
  expect(small.gzipBytes, describeBundle(small)).toBeLessThanOrEqual(maxSmallGzipBytes);
  if (specifier.startsWith("@quorumguard/sdk-web/")) expect(whole.gzipBytes).toBeGreaterThan(10 * small.gzipBytes);
});

it("a guard for browsers and the edge fits, with all that it needs, and asks for no module of Node", {
  timeout,
}, async () => {
  let measured = 0;
  for (const specifier of specifiers.filter((each) => each.startsWith("@quorumguard/sdk-web"))) {
    const { exports } = await bundle(`export * from "${specifier}";`, edge.folder);
    if (!exports.includes("createGuard")) continue;
    measured += 1;
    const made = await bundle(`export { createGuard } from "${specifier}";`, edge.folder);
    console.log(`createGuard of ${specifier}: ${describeBundle(made)}`);
    expect(made.external).toEqual([]);
    expect([...made.modules.keys()].filter(isForStreams)).toEqual([]);
    expect(made.gzipBytes, describeBundle(made)).toBeLessThanOrEqual(maxGuardGzipBytes);
  }
  expect(measured).toBe(2);
  const withStreams = await bundle(`export { createGuardCore } from "@quorumguard/sdk-core";`, edge.folder);
  expect([...withStreams.modules.keys()].filter(isForStreams).length).toBeGreaterThan(20);
});

it("a page with React loads all of it within what was promised", { timeout }, async () => {
  const code = `export * from "@quorumguard/sdk-web"; export * from "@quorumguard/sdk-web/react";`;
  const page = await bundle(code, edge.folder);
  expect(page.exports).toEqual(expect.arrayContaining(["createGuard", "useRateLimit"]));
  expect(page.gzipBytes, describeBundle(page)).toBeLessThanOrEqual(maxPageGzipBytes);
});

it("no entry that runs everywhere names a module of Node", { timeout }, async () => {
  for (const specifier of specifiers) {
    expect((await bundle(`export * from "${specifier}";`, edge.folder)).external, specifier).toEqual([]);
  }
});
