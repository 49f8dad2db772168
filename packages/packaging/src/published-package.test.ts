import { expect, it } from "vitest";
import { closureOf, entriesOf, type Manifest, type PublishedPackage } from "./published-package.ts";
import { usersEnvironment } from "./run-program.ts";

function one(name: string, manifest: Partial<Manifest>): PublishedPackage {
  const whole = { name: `@quorumguard/${name}`, version: "1.0.0", exports: {}, ...manifest };
  return { name: whole.name, folder: name, unpacked: "/", files: [], manifest: whole };
}

it("every subpath that is code is an entry, and data is none", () => {
  const exports = { ".": "./a.js", "./deep/edge": { default: "./b.js" }, "./schema.json": "./schema.json" };
  expect(entriesOf(one("x", { exports }))).toEqual([
    { specifier: "@quorumguard/x", folder: "x", hasPeers: false },
    { specifier: "@quorumguard/x/deep/edge", folder: "x", hasPeers: false },
  ]);
  const frameworks = { ".": "./a.js", "./hono": "./h.js", "./nest": "./n.js", "./edge": "./e.js" };
  const peerDependencies = { hono: ">=4", "@nestjs/common": ">=10" };
  expect(entriesOf(one("x", { exports: frameworks, peerDependencies }))).toMatchObject([
    { hasPeers: false },
    { hasPeers: true },
    { hasPeers: true },
    { hasPeers: false },
  ]);
});

it("a package comes with all of ours below it, and no others", () => {
  const top = one("top", { dependencies: { "@quorumguard/middle": "1.0.0", yaml: "2.0.0" } });
  const middle = one("middle", { dependencies: { "@quorumguard/bottom": "1.0.0" } });
  const [bottom, other] = [one("bottom", {}), one("other", {})];
  expect(closureOf("@quorumguard/top", [bottom, middle, other, top])).toEqual([bottom, middle, top]);
});

it("a user's program sees the registry, and nothing else of ours", () => {
  const environment = {
    ...{ npm_config_registry: "https://registry.example", npm_config_json: "true", npm_lifecycle_event: "test" },
    ...{
      NODE_OPTIONS: "--conditions=x",
      NODE_ENV: "test",
      VITEST: "true",
      QUORUMGUARD_ENDPOINTS: "a:1",
      HOME: "/home",
    },
    PATH: "/clone/node_modules/.bin:/usr/bin",
  };
  expect(usersEnvironment(environment)).toEqual({
    npm_config_registry: "https://registry.example",
    HOME: "/home",
    PATH: "/usr/bin",
  });
});
