import { afterEach, expect, test, vi } from "vitest";
import { createGuard } from "./create-guard.ts";

afterEach(() => vi.unstubAllEnvs());

function refusal(options: unknown): Error {
  try {
    void createGuard(options as object).close();
  } catch (error) {
    return error as Error;
  }
  return expect.unreachable("a guard was made");
}

test.each([
  [
    "127.0.0.1:74000",
    /^endpoints\[0\]: "127\.0\.0\.1:74000" has the port "74000"; .* 1 to 65535: write "127\.0\.0\.1:7400"$/,
  ],
  [
    ["a:7400", "redis://b:6379"],
    /^endpoints\[1\]: "redis:\/\/b:6379" is the address of something else \("redis:"\), .* "b:7400"/,
  ],
  ["grpcs://a:7400", /^endpoints\[0\]: .* write "https:\/\/a:7400"$/],
  ["", /^endpoints: it is empty; leave it out \(undefined\) for the default, or write "host:7400"$/],
  [7400, /^endpoints: 7400 is out of bounds: write "host:port", or a list of such$/],
])("createGuard refuses endpoints %o before anybody connects", (endpoints, message) => {
  const error = refusal({ endpoints });
  expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
});

test("a mistake in a variable is told by the variable's name", () => {
  vi.stubEnv("QUORUMGUARD_ENDPOINTS", "a:7400;b:7400");
  expect(refusal({}).message).toMatch(/^QUORUMGUARD_ENDPOINTS\[0\]: "a:7400;b:7400" holds several; write a comma/);
  expect(refusal({ endpoints: undefined }).message).toMatch(/^QUORUMGUARD_ENDPOINTS\[0\]/);
});

test("an address in the options' place is shown where it belongs", () => {
  expect(refusal("node:7400").message).toBe(
    'options: "node:7400" is not an object; write createGuard({ endpoints: "node:7400" })',
  );
});

test("what createGuard throws begins at the line that called it", () => {
  const userOfCreateGuard = () => createGuard({ timeoutMs: 0 });
  expect(userOfCreateGuard).toThrow("timeoutMs: 0");
  try {
    userOfCreateGuard();
  } catch (error) {
    expect((error as Error).stack).toMatch(/^.*\n\s+at userOfCreateGuard/);
  }
});

test("undefined means the default, as a variable that is not set has it", async () => {
  vi.stubEnv("QUORUMGUARD_ENDPOINTS", "a:7400");
  const { NOBODY_SETS_THIS: endpoints } = process.env;
  await createGuard({ endpoints, token: endpoints, tls: undefined, clock: undefined }).close();
  await createGuard({ endpoints: "https://a:7400", tls: { ca: undefined, cert: undefined, key: undefined } }).close();
});
