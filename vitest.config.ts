import fs from "node:fs";
import { defineConfig } from "vitest/config";

const endToEnd = ["**/*.e2e.test.ts", "scripts/readme.test.ts"];
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
    testTimeout: 20_000,
    projects: [
      ...folders.map((folder) => ({
        extends: true as const,
        test: {
          name: folder.replace("packages/", ""),
          include: [`${folder}/**/*.test.ts`],
          exclude: [...neverTests, ...endToEnd],
        },
      })),
      {
        extends: true as const,
        test: {
          name: "e2e",
          include: endToEnd,
          exclude: neverTests,
          // Real processes with real deadlines: one file at a time, after everything else.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
