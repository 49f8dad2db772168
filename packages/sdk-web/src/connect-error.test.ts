import { expect, test } from "vitest";
import { responseError } from "./connect-error.ts";

const endpoint = "https://limits.example";

test.each([
  [401, "unauthenticated", "CBUQAQ", [8, 21, 16, 1]],
  [403, "permission_denied", "CBoQAQ", [8, 26, 16, 1]],
])("HTTP %i of a node (%s) carries what it says beside", (status, code, value, bytes) => {
  const body = JSON.stringify({ code, message: "why", details: [{ type: "quorumguard.v1.ErrorDetail", value }] });
  const error = responseError(endpoint, status, body);
  expect(error.kind).toBe("rejected");
  expect([...error.detail!]).toEqual(bytes);
});

test.each([
  [401, ""],
  [403, "<html>"],
  [401, JSON.stringify({ code: "unauthenticated", message: "no certificate" })],
])("HTTP %i that says no more (%s) is a refused token, which no retry cures", (status, body) => {
  const error = responseError(endpoint, status, body);
  expect(error).toMatchObject({ kind: "misconfigured", detail: null });
  expect(error.message).toMatch(/^unauthenticated: https:\/\/limits\.example/);
});
