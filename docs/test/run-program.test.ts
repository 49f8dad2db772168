import { expect, it } from "vitest";
import { programEnvironment } from "../src/site/run-program.ts";

it("a test runner's mode is not the builder's: the site is one for production, with its search", () => {
  expect(process.env.VITEST).toBeDefined();
  const given = {
    PATH: "/bin",
    NODE_ENV: "test",
    VITEST: "true",
    VITEST_POOL_ID: "1",
    MODE: "test",
    DEV: "1",
    PROD: "",
  };
  const environment = programEnvironment(given);
  expect(environment).toMatchObject({ PATH: "/bin", NODE_ENV: "production", ASTRO_TELEMETRY_DISABLED: "1" });
  for (const name of ["VITEST", "VITEST_POOL_ID", "MODE", "DEV", "PROD"]) expect(environment).not.toHaveProperty(name);
});
