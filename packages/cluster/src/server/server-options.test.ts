import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { isLoopback, resolveServerOptions, type ServerOptions } from "./server-options.ts";

const cluster = [1, 2, 3].map((nodeId) => ({ nodeId, host: "127.0.0.1", port: 7391 + 10 * nodeId }));
const options: ServerOptions = { nodeId: 2, cluster, dataFolder: "data" };
const pem = Buffer.from("pem");

describe("defaults", () => {
  it("listen on loopback, and for peers where the cluster list says", () => {
    expect(resolveServerOptions(options)).toMatchObject({
      grpc: { host: "127.0.0.1", port: 7400 },
      http: { host: "127.0.0.1", port: 7402 },
      peer: { host: "127.0.0.1", port: 7411 },
      corsOrigins: [],
      maxStreams: 10_000,
    });
  });
});

describe("what is out of bounds is refused by field, value and bound", () => {
  it.each<[Partial<ServerOptions>, string]>([
    [{ nodeId: 0 }, "nodeId is 0: it must be a whole number"],
    [{ nodeId: 4 }, "nodeId is 4: it must be one of the cluster's: 1, 2, 3"],
    [{ cluster: [] }, "cluster is 0 nodes: it must have 1 to 9"],
    [{ cluster: [...cluster, cluster[0]!] }, "cluster is a list with node 1 twice: give each its own id"],
    [
      { cluster: [...cluster, { ...cluster[0]!, nodeId: 9 }] },
      `cluster is a list with ${cluster[0]!.host}:${cluster[0]!.port} twice: give each node its own address`,
    ],
    [{ cluster: [{ nodeId: 2, host: "", port: 1 }] }, "cluster[2].host"],
    [{ cluster: [{ nodeId: 2, host: "a", port: 65_536 }] }, "cluster[2].port is 65536"],
    [{ dataFolder: "" }, "dataFolder is missing"],
    [{ grpc: { host: "127.0.0.1", port: 1.5 } }, "grpc.port is 1.5: it must be a whole number from 0 to 65535"],
    [{ maxStreams: 0 }, "maxStreams is 0"],
    [{ maxConnections: -1 }, "maxConnections is -1"],
    [{ bounds: { maxKeys: 0 } }, "bounds.maxKeys is 0: it must be a whole number from 1 to 100000000"],
    [{ bounds: { maxHolds: 1.5 } }, "bounds.maxHolds is 1.5"],
    [{ drainTimeoutMs: Number.NaN }, "drainTimeoutMs is NaN"],
    [{ corsOrigins: ["shop.example"] }, 'corsOrigins is "shop.example": it must be an origin'],
    [{ corsOrigins: ["https://shop.example/path"] }, "corsOrigins is"],
    [{ tokenAudience: "shop" }, 'tokenAudience is "shop": without tokenKeys no token is looked at'],
    [{ tokenCallsPerSecond: 5 }, "tokenCallsPerSecond is 5: without tokenKeys no token is looked at"],
    [{ visitorKeysPerMinute: 5 }, "visitorKeysPerMinute is 5: without tokenKeys no token is looked at"],
    [{ tokenKeys: "keys.json", visitorKeysPerMinute: 0 }, "visitorKeysPerMinute is 0: it must be a whole number"],
    [
      { tokenKeys: "keys.json", tokenCallsPerSecond: 0 },
      "tokenCallsPerSecond is 0: it must be a whole number from 1 to 1000000",
    ],
    [{ tokenKeys: "keys.json", tokenAudience: "" }, 'tokenAudience is "": it has 0 bytes'],
  ])("%o", (over, message) => {
    expect(() => resolveServerOptions({ ...options, ...over })).toThrow(message);
  });
});

describe("off loopback a server refuses to start in plain text", () => {
  const everywhere = { host: "0.0.0.0", port: 1 };
  const tls = { cert: pem, key: pem, clientCa: null };

  it.each<[string, Partial<ServerOptions>]>([
    ["grpc", { grpc: everywhere }],
    ["http", { http: everywhere }],
    ["http", { http: everywhere, tokenKeys: "keys.json" }],
    ["peer", { peer: everywhere }],
    ["peer", { grpc: everywhere, http: everywhere, peer: everywhere, tls }],
    ["peer", { cluster: [{ nodeId: 2, host: "10.0.0.2", port: 7401 }] }],
  ])("%s, unless it has TLS or is told insecure", (field, over) => {
    const exposed = { ...options, ...over };
    expect(() => resolveServerOptions(exposed)).toThrow(`${field}.host is`);
    expect(() => resolveServerOptions({ ...exposed, insecure: true })).not.toThrow();
    expect(() => resolveServerOptions({ ...exposed, tls, peerTls: { cert: pem, key: pem, ca: pem } })).not.toThrow();
  });

  it.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["127.example.com", false],
    ["localhost.example.com", false],
  ])("%s is loopback: %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
