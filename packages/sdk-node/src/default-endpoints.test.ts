import { expect, test } from "vitest";
import { defaultEndpoints } from "./default-endpoints.ts";

const dev = ["127.0.0.1:7500", "127.0.0.1:7510"];
const atDefault = "127.0.0.1:7400";

test("a guard that was told no endpoint goes by the variable, else by a cluster that somebody tries things out with, else by the default port", () => {
  const named = { endpoints: "a:7400,b:7400", remedy: "" };
  expect(defaultEndpoints({ QUORUMGUARD_ENDPOINTS: "a:7400,b:7400" }, () => dev)).toEqual(named);
  expect(defaultEndpoints({ QUORUMGUARD_ENDPOINTS: "" }, () => dev)).toEqual({ endpoints: dev, remedy: "" });
  expect(defaultEndpoints({}, () => null)).toMatchObject({ endpoints: atDefault });
});

test("in production nothing is looked for", () => {
  const looked = () => {
    throw new Error("it was looked for");
  };
  expect(defaultEndpoints({ NODE_ENV: "production" }, looked)).toEqual({
    endpoints: atDefault,
    remedy: "nobody said where the cluster is: name your nodes with endpoints or QUORUMGUARD_ENDPOINTS",
  });
  expect(() => defaultEndpoints({ NODE_ENV: "development" }, looked)).toThrow("it was looked for");
});

test("where nothing was found, it says what to run and what to write", () => {
  expect(defaultEndpoints({}, () => null).remedy).toBe(
    "nobody said where the cluster is, and no quorumguard dev runs here: run `npx quorumguard dev`, or name your nodes with endpoints or QUORUMGUARD_ENDPOINTS",
  );
});
