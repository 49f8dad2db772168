import { describe, expect, test } from "vitest";
import { checkEndpoints, type EndpointForm } from "./endpoints.ts";
import { GuardError } from "./guard-error.ts";

const grpc: EndpointForm = { field: "endpoints", paths: false, port: 7400 };
const web: EndpointForm = { field: "endpoints", paths: true, port: 7402 };

function refusal(endpoints: unknown, form = grpc): GuardError {
  try {
    checkEndpoints(endpoints, form);
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return error as GuardError;
  }
  return expect.unreachable(`${String(endpoints)} was taken`);
}

describe("endpoints that are written right", () => {
  test.each([
    "127.0.0.1:7400",
    "localhost",
    "node-1.example.com:65535",
    "a_b:1",
    "http://127.0.0.1:7400",
    "HTTPS://node:7400/",
    "http://127.0.0.1/",
    "[::1]:7400",
    "[fe80::1]",
    "https://[2001:db8::1]:7400",
    "bücher.example:7400",
    "a:7400, b:7400 ,c:7400",
    ["a:7400", "https://b:7400"],
  ])("%s", (endpoints) => {
    expect(() => checkEndpoints(endpoints, grpc)).not.toThrow();
    expect(() => checkEndpoints(endpoints, web)).not.toThrow();
  });

  test("a path is one over fetch", () => {
    expect(() => checkEndpoints("https://proxy.example/limits/", web)).not.toThrow();
    expect(() => checkEndpoints("proxy:8080/limits", web)).not.toThrow();
  });
});

describe("an endpoint that is written wrong", () => {
  test.each([
    [
      "ftp://127.0.0.1:7400",
      'begins with "ftp:", which is not spoken here; write "127.0.0.1:7400", or "https://127.0.0.1:7400" for TLS',
    ],
    [
      "redis://cache:6379",
      'is the address of something else ("redis:"), and a guard speaks to QuorumGuard\'s own nodes; write one\'s: "cache:7400"',
    ],
    [
      "mongodb+srv://db.example.net/db",
      'is the address of something else ("mongodb+srv:"), and a guard speaks to QuorumGuard\'s own nodes; write one\'s: "db.example.net:7400"',
    ],
    [
      "grpc://node:7400",
      'begins with "grpc:", which is not spoken here; write "node:7400", or "https://node:7400" for TLS',
    ],
    ["grpcs://node:7400", 'begins with "grpcs:", which is not spoken here; write "https://node:7400"'],
    ["https:/127.0.0.1:7400", 'needs two slashes after "https:"; write "https://127.0.0.1:7400"'],
    ["http:///node:7400", 'needs two slashes after "http:"; write "http://node:7400"'],
    ["127.0.0.1:74000", 'has the port "74000"; it must be a whole number from 1 to 65535: write "127.0.0.1:7400"'],
    ["127.0.0.1:0", 'has the port "0"; it must be a whole number from 1 to 65535'],
    ["127.0.0.1:grpc", 'has the port "grpc"; it must be a whole number from 1 to 65535: write "127.0.0.1:7400"'],
    ["127.0.0.1:", 'has the port ""; it must be a whole number'],
    [":7400", 'has no host; write "host:7400"'],
    ["http://", 'has no host; write "host:7400"'],
    ["a b:7400", 'is no address; write "host:7400"'],
    ["127.0.0.1:7400/api", 'has a path, and gRPC has none; write "127.0.0.1:7400"'],
    ["https://node:7400/api?x=1", 'has a path, and gRPC has none; write "https://node:7400"'],
    ["a:7400;b:7400", 'holds several; write a comma between them, or a list: ["a:7400", "b:7400"]'],
    ["::1:7400", 'is an IPv6 address without brackets; write "[::1]:7400"'],
    ["2001:db8::1", 'is an IPv6 address without brackets; write "[2001:db8::1]:7400"'],
  ])("%s", (endpoint, problem) => {
    const error = refusal(endpoint);
    expect(error).toMatchObject({ code: "invalid_argument", details: { field: "endpoints[0]", value: endpoint } });
    expect(error.message).toContain(`endpoints[0]: "${endpoint}" ${problem}`);
    const second = refusal(["a:7400", endpoint]);
    expect(second.message).toContain(`endpoints[1]: "${endpoint}" ${problem}`);
  });

  test("several in one element of a list, or an element that is empty", () => {
    expect(refusal(["a:7400,b:7400"]).message).toBe(
      'endpoints[0]: "a:7400,b:7400" holds several; write each by itself: ["a:7400", "b:7400"]',
    );
    expect(refusal("a:7400,").message).toBe('endpoints[1]: it is empty; write "host:7400", or take its comma away');
  });

  test("a query, over fetch", () => {
    expect(refusal("https://proxy/limits?token=x", web).message).toContain("has a query or a fragment");
  });

  test.each(["", "  "])("nothing at all, as a variable that is set to nothing: %o", (endpoints) => {
    const error = refusal(endpoints, { ...grpc, field: "QUORUMGUARD_ENDPOINTS" });
    expect(error).toMatchObject({ details: { field: "QUORUMGUARD_ENDPOINTS", value: "" } });
    expect(error.message).toBe(
      'QUORUMGUARD_ENDPOINTS: it is empty; leave it out (undefined) for the default, or write "host:7400"',
    );
  });

  test.each([
    "http://me:secret@127.0.0.1:7400",
    "me:secret@127.0.0.1:7400",
    "http://me:se/cret@127.0.0.1:7400",
    "http:/me:secret;secret@127.0.0.1:7400",
  ])("a user and a password, which are not shown: %s", (endpoint) => {
    for (const form of [grpc, web]) {
      const error = refusal(endpoint, form);
      expect(error.message).toMatch(
        /^endpoints\[0\]: it holds a user or a password .* write "127\.0\.0\.1:7400", and the secret as token/,
      );
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/secret[;@]|cret@|:se\//);
    }
  });

  test("another store's password is not shown either", () => {
    const error = refusal("redis://:secret@cache:6379");
    expect(error.message).toContain('it is the address of something else ("redis:")');
    expect(error.message).toContain('"cache:7400"');
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/secret/);
  });

  test("what is neither text nor list is another check's", () => {
    for (const endpoints of [undefined, 7400, { host: "a" }, [7]])
      expect(() => checkEndpoints(endpoints, grpc)).not.toThrow();
  });
});
