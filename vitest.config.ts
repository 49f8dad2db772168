import { defineConfig } from "vitest/config";

/** Tests run the sources, not the build; end-to-end tests start the built command as a user would. */
export default defineConfig({
  resolve: { conditions: ["quorumguard-source"] },
  ssr: { resolve: { conditions: ["quorumguard-source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 20_000,
  },
});
