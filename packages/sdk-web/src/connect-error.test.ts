import { expect, test } from "vitest";
import { fetchError, responseError } from "./connect-error.ts";

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

test.each([
  ["ENOTFOUND", "the name limits.example has no address (ENOTFOUND)"],
  ["EAI_AGAIN", "no name server answers for the name limits.example (EAI_AGAIN)"],
])("%s is told by the name, and asks for no cluster to be started", (code, text) => {
  const cause = Object.assign(new Error(`getaddrinfo ${code} limits.example`), { code });
  const error = fetchError(endpoint, new TypeError("fetch failed", { cause }), true);
  expect(error).toMatchObject({ kind: "not-sent" });
  expect(error.message).toContain(`${endpoint}: ${text}; is it spelt right`);
  expect(error.message).not.toContain("quorumguard dev");
});
