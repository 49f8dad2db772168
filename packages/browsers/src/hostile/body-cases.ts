import { gzipSync } from "node:zlib";
import { type Arena, allowPath, callFor, type Sent } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

const invalid = { status: 400, code: "invalid_argument", reason: "INVALID_ARGUMENT" } as const;
/** A node takes no compressed body: what a thousand bytes become is nobody's to choose. */
const compressed = { status: 415, code: "unimplemented" } as const;
const service = "/quorumguard.v1.GuardService";

function refused(
  name: string,
  expected: Pick<HostileCase, "status" | "code" | "reason">,
  sent: (arena: Arena) => Sent,
): HostileCase {
  return { name, ...expected, send: (arena) => arena.send(sent(arena)) };
}

/** The body of a call for the visitor's own key, with something else in its text. */
const withText = (mine: string, text: string) => JSON.stringify(callFor(mine)).replace(/^\{/, `{${text},`);

/** Bodies that are too large, too slow, too deep, or that two readers could understand in two ways. */
export const bodyCases: readonly HostileCase[] = [
  refused("a body of 2 MiB", { status: 413, code: "invalid_argument" }, () => ({ body: " ".repeat(2_097_152) })),
  refused("64 MiB in a gzip of 64 kB", compressed, () => ({
    headers: { "content-encoding": "gzip" },
    body: gzipSync(Buffer.alloc(67_108_864, 32)),
  })),
  ...[["calls", "AllowBatch"] as const, ["names", "GetTerms"] as const].map(([list, method]) =>
    refused(`340,000 ${list} without anything in 1 MiB`, invalid, () => ({
      path: `${service}/${method}`,
      body: `{"${list}":[${Array.from({ length: 340_000 }, () => (list === "calls" ? "{}" : '""')).join(",")}]}`,
    })),
  ),
  refused("a compression that nobody knows", compressed, ({ mine }) => ({
    headers: { "content-encoding": "br" },
    body: callFor(mine),
  })),
  refused("JSON that is 100,000 lists deep", invalid, () => ({ body: "[".repeat(100_000) })),
  refused("JSON that is 50,000 objects deep", invalid, () => ({
    body: `${'{"check":'.repeat(50_000)}{}${"}".repeat(50_000)}`,
  })),
  refused("JSON that ends too early", invalid, () => ({ body: '{"check":{"key":"' })),
  refused("an empty body", invalid, () => ({ body: "" })),
  refused("bytes that are no UTF-8", invalid, () => ({ body: Buffer.from('{"check":{"key":"\xff\xfe"}}', "latin1") })),
  refused("half of a surrogate pair as a key", invalid, () => ({
    body: '{"check":{"key":"\\ud800","rule":{"policy":"button"},"cost":1}}',
  })),
  refused("one key twice, the visitor's first", invalid, ({ mine, victim }) => ({
    body: `{"check":{"key":"${mine}","key":"${victim}","rule":{"policy":"button"},"cost":1}}`,
  })),
  refused("one check twice, the visitor's last", invalid, ({ mine, victim }) => ({
    body: `{"check":${JSON.stringify(callFor(victim).check)},"check":${JSON.stringify(callFor(mine).check)}}`,
  })),
  refused("__proto__ as a field", invalid, ({ mine }) => ({
    body: withText(mine, '"__proto__":{"namespace":"tenant","noForward":true}'),
  })),
  refused("constructor as a field", invalid, ({ mine }) => ({
    body: withText(mine, '"constructor":{"prototype":{"allowed":true}}'),
  })),
  refused("a field that nobody knows", invalid, ({ mine }) => ({ body: withText(mine, '"admin":true') })),
  refused("1,025 calls in one request", invalid, ({ mine }) => ({
    path: `${service}/AllowBatch`,
    body: {
      calls: Array.from({ length: 1_025 }, (_, at) => ({ checks: [callFor(mine).check], requestId: `${mine}-${at}` })),
    },
  })),
  refused("an empty key", { status: 403, code: "permission_denied", reason: "KEY_FORBIDDEN" }, () => ({
    body: callFor(""),
  })),
  refused("a cost below zero", invalid, ({ mine }) => ({
    body: { check: { key: mine, rule: { policy: "button" }, cost: -1 } },
  })),
  refused("a cost above what fits", invalid, ({ mine }) => ({
    body: { check: { key: mine, rule: { policy: "button" }, cost: 4_294_967_296 } },
  })),
  refused("a cost that is no number", invalid, ({ mine }) => ({
    body: `{"check":{"key":"${mine}","rule":{"policy":"button"},"cost":"NaN"}}`,
  })),
  {
    name: "headers that never end",
    send: ({ sendBytes, scene }) =>
      sendBytes(`POST ${allowPath} HTTP/1.1\r\nHost: shop.test:${scene.port}\r\nX-Slow: `),
    status: [408, 0],
  },
  {
    name: "a body that never ends",
    send: ({ sendBytes, scene, token }) =>
      sendBytes(
        [
          `POST ${allowPath} HTTP/1.1`,
          `Host: shop.test:${scene.port}`,
          "Content-Type: application/json",
          `Authorization: Bearer ${token}`,
          "Content-Length: 1000",
          "",
          "{",
        ].join("\r\n"),
      ),
    status: [408, 0],
  },
];
