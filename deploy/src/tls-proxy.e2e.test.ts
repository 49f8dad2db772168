import { once } from "node:events";
import tls from "node:tls";
import { createGuard as createNodeGuard } from "@quorumguard/sdk-node";
import { createGuard as createEdgeGuard } from "@quorumguard/sdk-web/edge";
import {
  type LocalCluster,
  skipReason,
  startLocalCluster,
  startTlsProxy,
  type TlsProxy,
  until,
} from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestAuthority } from "../../packages/cluster/src/server/certificates.fixture.ts";
import { startSecureCluster } from "../../packages/sdk-node/src/secure-cluster.fixture.ts";
import { callGrpc } from "./stack/raw-grpc.ts";
import { Traffic } from "./stack/traffic.ts";
import { allowPath, browserOf } from "./tls/browser-requests.ts";
import { Http2Fetch } from "./tls/http2-fetch.ts";
import { exchange, type RawTarget } from "./tls/raw-exchange.ts";
import { exchangeHttp2 } from "./tls/raw-http2.ts";
import { chunkedForNodes, smuggledKey, twoRequests } from "./tls/two-requests.ts";

const reason = skipReason("nginx");
const required = process.env.CI === "true";
if (reason !== null && !required) console.warn(`skipped: ${reason}`);

const authority = new TestAuthority("visitors' authority");
const shop = "https://shop.example";
const exact = { timeoutMs: 3_000, onUnavailable: "throw" } as const;

const head = `POST ${allowPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
/** A part of a header, of a body of known length, of a chunk. */
const begun = [head, `${head}Content-Length: 100\r\n\r\n{`, `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{`];

describe.skipIf(reason !== null && !required)(
  "nginx with deploy/nginx/quorumguard/tls.conf, before three nodes",
  () => {
    let cluster: LocalCluster;
    let proxy: TlsProxy;
    let browser: ReturnType<typeof browserOf>;
    let target: RawTarget;
    /** What became of who sends a part and waits: nginx has more patience than the other tests take together. */
    let unfinished: Promise<readonly (readonly number[])[]>;
    const trustedBefore = tls.getCACertificates("default");

    beforeAll(async () => {
      tls.setDefaultCACertificates([...trustedBefore, String(authority.ca)]);
      // Nodes that would answer pages of the same origin themselves.
      cluster = await startLocalCluster({ arguments: ["--cors-origin", shop] });
      const certificate = authority.issue("localhost");
      proxy = await startTlsProxy({ nodes: cluster.nodes, certificate, origins: [shop, "https://b.example:8443"] });
      browser = browserOf(proxy.url, authority.ca);
      target = { port: proxy.ports.http, ca: authority.ca };
      unfinished = Promise.all(begun.map((bytes) => exchange(target, bytes)));
    }, 120_000);

    afterAll(async () => {
      tls.setDefaultCACertificates(trustedBefore);
      await proxy.stop();
      await cluster.stop();
    });

    /** What is left of a limit of 3: 3 if nobody ever charged the key. */
    const leftOf = async (key: string): Promise<unknown> => {
      const check = { key, rule: { limit: 3, windowUs: "3600000000" } };
      const { body } = await browser({
        path: allowPath.replace("Allow", "Peek"),
        body: JSON.stringify({ check }),
        headers: json,
      });
      return JSON.parse(body).decision?.remaining;
    };
    const json = { "content-type": "application/json" };
    const charge = (key: string) => JSON.stringify({ check: { key, rule: { limit: 3, windowUs: "3600000000" } } });

    it("loses no call and admits no more than the limit when the leader is killed under traffic: HTTP/1.1, HTTP/2, gRPC", {
      timeout: 120_000,
    }, async () => {
      await using http2 = new Http2Fetch(authority.ca);
      // As many streams as nodes, so that one leads through the node that dies.
      const grpc = cluster.nodes.map(() =>
        createNodeGuard({ ...exact, endpoints: proxy.grpcEndpoint, routing: "forward", tls: { ca: authority.ca } }),
      );
      const http = [
        createEdgeGuard({ ...exact, endpoints: proxy.url }),
        createEdgeGuard({ ...exact, endpoints: proxy.url, fetch: http2.fetch }),
      ];
      const guards = [...grpc, ...http];
      await Promise.all(guards.map((guard) => guard.ready({ timeoutMs: 20_000 })));
      const traffic = new Traffic(grpc, http);
      const answered = (more: number) => {
        const goal = traffic.answered + more;
        return until(`${more} more calls answered`, 60_000, async () => (traffic.answered >= goal ? true : null));
      };
      await answered(200);
      const { nodeId } = await cluster.waitForLeader();
      await cluster.kill(nodeId);
      await answered(300);
      await cluster.restart(nodeId);
      await cluster.waitUntilCaughtUp(60_000);
      const { limit, admittedBySharedKey, ...ports } = await traffic.stop();
      await Promise.all(guards.map((guard) => guard.close()));
      for (const { calls, allowed, denied, failures, degraded } of [ports.grpc, ports.http]) {
        expect(failures).toEqual([]);
        expect({ degraded, answered: allowed + denied }).toEqual({ degraded: 0, answered: calls });
      }
      expect(new Set(Object.values(admittedBySharedKey))).toEqual(new Set([limit]));
    });

    it("speaks TLS 1.2 and 1.3 and nothing older, HTTP/2 to whoever can, and says so to plain HTTP", async () => {
      const offer = async (options: tls.ConnectionOptions) => {
        const socket = tls.connect({
          port: target.port,
          servername: "localhost",
          ca: String(authority.ca),
          ...options,
        });
        const told = await Promise.race([
          once(socket, "secureConnect").then(() => `${socket.getProtocol()} ${socket.alpnProtocol}`),
          once(socket, "close").then(() => "refused"),
        ]).catch(() => "refused");
        socket.destroy();
        return told;
      };
      expect(await offer({ ALPNProtocols: ["h2", "http/1.1"] })).toBe("TLSv1.3 h2");
      expect(await offer({ ALPNProtocols: ["http/1.1"], maxVersion: "TLSv1.2" })).toBe("TLSv1.2 http/1.1");
      expect(await offer({ minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).toBe(
        "refused",
      );
      // A key exchange without forward secrecy.
      expect(await offer({ maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" })).toBe("refused");
      expect(await exchange({ port: target.port }, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).toEqual([400]);
    });

    it.each(Object.entries(twoRequests))("takes no second request out of one: %s", async (name, bytes) => {
      const statuses = await exchange(target, bytes);
      expect(statuses, name).toHaveLength(1);
      expect(statuses[0]).toBeGreaterThanOrEqual(400);
      expect(await leftOf(smuggledKey)).toBe(3);
      if (name in chunkedForNodes) return;
      // Nor does a node, if it is asked without nginx.
      const node = await exchange({ port: Number(new URL(cluster.nodes[0]!.httpUrl).port) }, bytes);
      expect([node[0], node.includes(200)], name).toEqual([400, false]);
      expect(await leftOf(smuggledKey)).toBe(3);
    });

    it("makes no second request out of one of HTTP/2, whatever its fields hold", async () => {
      const field = (name: string, value: string) => [name, value] as const;
      const call = [
        field(":method", "POST"),
        field(":scheme", "https"),
        field(":authority", "localhost"),
        field(":path", allowPath),
        field("content-type", "application/json"),
      ];
      const told = (...fields: (readonly [string, string])[]) =>
        exchangeHttp2(target, [...call, ...fields], charge(`http2-${fields.length}`));
      expect(await told()).toBe("200");
      const second = `x\r\n\r\nPOST ${allowPath} HTTP/1.1`;
      for (const [name, value] of [
        ["authorization", second],
        ["authorization", "x\ntransfer-encoding: chunked"],
        ["authorization", "x\0"],
        ["connect-timeout-ms: 1\r\nx", "1"],
        ["Content-Type", "application/json"],
        ["content-length", "1"],
        ["content-length", "-1"],
        [":path", second],
        ["host", "a\r\nb"],
      ] as const) {
        expect([name, value, await told(field(name, value))]).not.toContain("200");
      }
      // Not of HTTP/2, and never passed on: the node gets a length of nginx's own.
      for (const name of ["transfer-encoding", "connection", "te", "upgrade"]) {
        expect(["200", "400", "reset"]).toContain(await told(field(name, "chunked"), field("x-a", "b")));
      }
      expect(await leftOf("http2-1")).toBe(3);
    });

    it("bounds what it reads: lines of a header, bodies, and by the node a message", async () => {
      const token = (bytes: number) => ({ ...json, authorization: `Bearer ${"t".repeat(bytes)}` });
      expect((await browser({ headers: token(4_096), body: charge("large") })).status).toBe(200);
      expect((await browser({ headers: token(9_000), body: charge("large") })).status).toBe(400);
      expect((await browser({ path: `${allowPath}?${"x".repeat(9_000)}`, body: charge("large") })).status).toBe(414);
      const sized = (bytes: number) => browser({ headers: json, body: `{}${" ".repeat(bytes - 2)}` });
      const above = await sized(1_048_577);
      expect([above.status, above.body]).toEqual([413, expect.stringContaining("1,048,577 bytes")]);
      const farAbove = await sized(2_097_152);
      expect([farAbove.status, JSON.parse(farAbove.body)]).toMatchObject([413, { code: "invalid_argument" }]);
      const chunked = await browser({
        headers: { ...json, "transfer-encoding": "chunked" },
        body: " ".repeat(2_097_152),
      });
      expect(chunked.status).toBe(413);
      expect(await leftOf("large")).toBe(2);
    });

    it("hangs up on who does not finish a header or a body", { timeout: 120_000 }, async () => {
      for (const statuses of await unfinished) expect(statuses.every((status) => status === 408)).toBe(true);
    });

    it("serves calls, by their exact names, and nothing of the operators'", async () => {
      for (const path of [
        ...[
          "ClusterService/GetStatus",
          "PolicyService/PutPolicies",
          "AdminService/ListTopKeys",
          "GuardService/Session",
        ].map((method) => `/quorumguard.v1.${method}`),
        "//quorumguard.v1.GuardService/Allow",
        "/quorumguard.v1.GuardService//Allow",
        "/quorumguard.v1.GuardService/Allow/",
        "/quorumguard.v1.GuardService/%41llow",
        "/quorumguard.v1.guardservice/allow",
        "/QUORUMGUARD.v1.GuardService/Allow",
        "/quorumguard.v1.GuardService/Allow%0d%0aX-A:%20b",
        "/quorumguard.v1.GuardService/Allow/../../quorumguard.v1.ClusterService/TransferLeadership",
        "/quorumguard.v1.ClusterService/TransferLeadership/../../quorumguard.v1.GuardService/Allow",
        "/metrics",
        "/healthz/../metrics",
      ]) {
        expect([path, (await browser({ path, headers: json, body: "{}" })).status]).toEqual([path, 404]);
      }
      const own = ["Allow", "AllowBatch", "Peek", "Reset", "Reserve", "Commit", "Cancel", "GetTerms"];
      for (const method of own) {
        // The node's own judgement of an empty message, or an answer to it.
        const { status, body } = await browser({
          path: `/quorumguard.v1.GuardService/${method}`,
          headers: json,
          body: "[]",
        });
        expect([method, status, JSON.parse(body).code]).toEqual([method, 400, "invalid_argument"]);
      }
      const { status } = await browser({
        path: "/quorumguard.v1.ClusterService/GetTopology",
        headers: json,
        body: "{}",
      });
      expect(status).toBe(200);
      for (const path of ["/healthz", "/readyz"]) {
        expect((await browser({ method: "GET", path, headers: {} })).status).toBe(200);
      }
      for (const method of ["GET", "PUT", "DELETE", "TRACE"]) {
        expect([method, (await browser({ method, headers: json })).status]).toEqual([method, 405]);
      }
      const grpc = new URL(proxy.grpcEndpoint);
      const refused = await callGrpc(grpc.host, "/quorumguard.v1.ClusterService/TransferLeadership", "", authority.ca);
      expect(refused).toMatchObject({ httpStatus: 200, grpcStatus: 12 });
    });

    describe("pages of other origins", () => {
      const preflight = (origin: string, path = allowPath) =>
        browser({
          path,
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,connect-protocol-version,connect-timeout-ms,content-type",
          },
        });

      it("may call if they are on the list, and are told so once, by nginx alone", async () => {
        for (const origin of [shop, "https://b.example:8443"]) {
          const asked = await preflight(origin);
          expect([asked.status, asked.all("access-control-allow-origin")]).toEqual([204, [origin]]);
          expect(asked.all("access-control-allow-methods")).toEqual(["POST"]);
          const names = asked.all("access-control-allow-headers").join().toLowerCase();
          for (const name of ["authorization", "content-type", "connect-protocol-version", "connect-timeout-ms"]) {
            expect(names).toContain(name);
          }
          const called = await browser({ headers: { ...json, origin }, body: charge(`cors-${origin}`) });
          expect([called.status, called.all("access-control-allow-origin")]).toEqual([200, [origin]]);
          const refused = await browser({ headers: { ...json, origin }, body: "{" });
          expect([refused.status, refused.all("access-control-allow-origin")]).toEqual([400, [origin]]);
          for (const answer of [asked, called, refused]) {
            expect(answer.all("vary")).toEqual(["Origin"]);
            expect(answer.all("access-control-allow-credentials")).toEqual([]);
          }
        }
      });

      it("may not if they are not: neither ask before, nor call, nor read", async () => {
        for (const origin of [
          "https://other.example",
          "http://shop.example",
          "https://shop.example:8443",
          "https://shop.example.other.example",
          "https://a.shop.example",
          "https://shop.exampl",
          `${shop} ${shop}`,
          "null",
          "*",
          proxy.url.replace("https:", "http:"),
        ]) {
          const asked = await preflight(origin);
          const called = await browser({ headers: { ...json, origin }, body: charge("not-listed") });
          for (const answer of [asked, called]) {
            expect([origin, answer.status, answer.all("access-control-allow-origin")]).toEqual([origin, 403, []]);
            expect(answer.all("vary")).toEqual(["Origin"]);
          }
          expect(JSON.parse(called.body)).toMatchObject({ code: "permission_denied" });
        }
        expect(await leftOf("not-listed")).toBe(3);
      });

      it("cannot post a form, or what passes for one, even from the proxy's own origin", async () => {
        const types = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"];
        for (const type of [...types, "text/plain; application/json", "application/json-seq", ""]) {
          for (const origin of [{}, { origin: proxy.url }, { origin: shop }]) {
            const headers: Record<string, string> = { ...origin, ...(type === "" ? {} : { "content-type": type }) };
            expect([type, (await browser({ headers, body: charge("form") })).status]).toEqual([type, 415]);
          }
        }
        const get = `${allowPath}?connect=v1&encoding=json&message=${encodeURIComponent(charge("form"))}`;
        expect((await browser({ method: "GET", path: get, headers: {} })).status).toBe(405);
        expect(await leftOf("form")).toBe(3);
      });

      it("of the proxy's own origin call without being listed", async () => {
        const called = await browser({ headers: { ...json, origin: proxy.url }, body: charge("own") });
        expect([called.status, called.all("access-control-allow-origin")]).toEqual([200, []]);
        expect(await leftOf("own")).toBe(2);
      });

      it("are told nothing of what is not served", async () => {
        const asked = await preflight(shop, "/quorumguard.v1.ClusterService/GetStatus");
        expect([asked.status, asked.all("access-control-allow-origin")]).toEqual([404, []]);
      });
    });

    it("speaks TLS to nodes that have it, and not to a node of another authority", { timeout: 120_000 }, async () => {
      const secure = await startSecureCluster();
      const nodes = secure.endpoints.map((endpoint, at) => ({
        grpcEndpoint: new URL(endpoint).host,
        httpUrl: secure.urls[at]!,
      }));
      const certificate = authority.issue("localhost");
      const told: unknown[] = [];
      try {
        for (const nodesCa of [secure.authority.ca, authority.ca]) {
          const before = await startTlsProxy({ nodes, certificate, nodesCa });
          const { body } = await browserOf(before.url, authority.ca)({ headers: json, body: charge("secure") });
          const { host } = new URL(before.grpcEndpoint);
          const { grpcStatus } = await callGrpc(host, "/grpc.health.v1.Health/Check", "", authority.ca);
          told.push(JSON.parse(body).code ?? JSON.parse(body).decision.outcome, grpcStatus);
          await before.stop();
        }
      } finally {
        await secure.stop();
      }
      expect(told).toEqual(["OUTCOME_ALLOWED", 0, "unavailable", 14]);
    });

    it("says in words that a page can read that no node can be reached", { timeout: 120_000 }, async () => {
      for (const { nodeId } of cluster.nodes) await cluster.kill(nodeId);
      const told = await until("no node can be reached", 20_000, async () => {
        const answer = await browser({ headers: { ...json, origin: shop }, body: charge("outage") });
        return JSON.parse(answer.body).code === "unavailable" ? answer : null;
      });
      expect([told.status, told.all("access-control-allow-origin")]).toEqual([502, [shop]]);
      expect((await browser({ method: "GET", path: "/readyz", headers: {} })).status).toBe(502);
    });
  },
);
