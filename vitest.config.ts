import fs from "node:fs";
import os from "node:os";
import { defineConfig } from "vitest/config";

/** Real processes with real deadlines, which find ports and folders of their own. */
const endToEnd = ["{packages,examples,bench}/**/*.e2e.test.ts"];
/** What stands for a user of the whole repository: it builds, packs, browses, or runs all that is deployed. */
const wholeRepository = ["{deploy,docs,scripts}/**/*.e2e.test.ts", "scripts/readme.test.ts"];
/** The packages as files, packed and installed once for all of them; a step of its own in `npm test`. */
const packaging = ["packages/packaging/src/*.e2e.test.ts"];
/** What replaces modules for itself alone; all other files of a folder share one set of modules, a quarter cheaper. */
const replacingModules = ["packages/cluster/src/storage/folder-lock.test.ts"];
/** For real processes, which have the default deadlines of users: what a busy machine kept too long is tried once more, and told. */
const onceMore = { retry: 1 };
const neverTests = ["**/node_modules/**", "**/dist/**"];

/** Folders with tests: one project each, so that `vitest run --project raft` runs one package's. */
const folders = [
  ...fs.readdirSync("packages").map((name) => `packages/${name}`),
  ...["bench", "deploy", "docs", "scripts"],
];

/** Tests run the sources, not the build; end-to-end tests start the built command as a user would. */
export default defineConfig({
  resolve: { conditions: ["quorumguard-source"] },
  ssr: { resolve: { conditions: ["quorumguard-source"] } },
  test: {
    // For what hangs: whoever waits awaits an event, and a busy machine keeps everybody waiting.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // By default one core is left idle.
    maxWorkers: os.availableParallelism(),
    maxConcurrency: os.availableParallelism(),
    projects: [
      ...folders.map((folder) => ({
        extends: true as const,
        test: {
          name: folder.replace("packages/", ""),
          include: [`${folder}/**/*.test.ts`],
          exclude: [...neverTests, ...endToEnd, ...wholeRepository, ...replacingModules],
          isolate: false,
        },
      })),
      { extends: true as const, test: { name: "replacing-modules", include: replacingModules } },
      {
        extends: true as const,
        test: {
          name: "e2e",
          include: endToEnd,
          exclude: [...neverTests, ...packaging],
          ...onceMore,
          // They wait for elections and deadlines more than they work.
          maxWorkers: os.availableParallelism() + 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true as const,
        test: {
          name: "whole",
          include: wholeRepository,
          exclude: neverTests,
          ...onceMore,
          // After all that uses the builds: they bring them up to date, each its own, unless `npm test` just has.
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true as const,
        test: {
          name: "packages",
          include: packaging,
          exclude: neverTests,
          globalSetup: "packages/packaging/src/pack-once.ts",
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
