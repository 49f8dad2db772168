import { expect, test } from "vitest";
import { defaultEndpoints } from "./default-endpoints.ts";

const dev = ["127.0.0.1:7500", "127.0.0.1:7510"];
const atDefault = "127.0.0.1:7400";

test("a guard that was told no endpoint goes by the variable, else by a cluster that somebody tries things out with, else by the default port", () => {
  const named = { endpoints: "a:7400,b:7400" };
  expect(defaultEndpoints({ QUORUMGUARD_ENDPOINTS: "a:7400,b:7400" }, () => dev)).toMatchObject(named);
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

test("where nobody is at what was named, it says so, and in production proposes no cluster to try things out with", () => {
  const named = { QUORUMGUARD_ENDPOINTS: "a:7400" };
  expect(defaultEndpoints(named).remedy).toBe(
    "is a cluster running there? `npx quorumguard dev` starts one; else mend endpoints or QUORUMGUARD_ENDPOINTS",
  );
  expect(defaultEndpoints({ ...named, NODE_ENV: "production" }).remedy).toBe(
    "is the cluster running, and are endpoints or QUORUMGUARD_ENDPOINTS right?",
  );
});
