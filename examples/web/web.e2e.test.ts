import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { skipReason, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClusterView } from "./cluster-view.ts";
import { contentSecurityPolicy } from "./server/site-directives.ts";

const script = fileURLToPath(new URL("../../scripts/example.ts", import.meta.url));
const start = (...flags: string[]) =>
  spawn(process.execPath, ["--conditions=quorumguard-source", script, "web", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** What a browser sends of itself: the origin, and its cookies. Nobody knows the certificate, which is made anew for each run. */
async function send(method: string, url: URL, headers: http.OutgoingHttpHeaders = {}, body = ""): Promise<Reply> {
  const request = https.request(url, {
    method,
    headers: { origin: url.origin, ...headers },
    rejectUnauthorized: false,
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode!, headers: response.headers, text };
}

const needed = skipReason("nginx");
if (needed !== null && process.env.CI === "true") throw new Error(needed);

describe.skipIf(needed !== null)("the page, its server, nginx and three nodes", () => {
  let example: ChildProcess;
  let origin: string;
  const post = (path: string, headers?: http.OutgoingHttpHeaders, body?: string) =>
    send("POST", new URL(path, origin), headers, body);

  /** Who has logged in: the cookie, its key, and a token for that. */
  async function visit() {
    const login = await post("/api/login");
    const [cookie = ""] = login.headers["set-cookie"]!;
    const { key } = JSON.parse(login.text) as { key: string };
    const { token } = JSON.parse((await post("/api/token", { cookie })).text) as { token: string };
    return { cookie, key, token };
  }
  const allow = async (token: string, check: object, requestId?: string) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    return post("/quorumguard.v1.GuardService/Allow", headers, JSON.stringify({ check, requestId }));
  };

  beforeAll(async () => {
    example = start("--json", "--port", "0");
    let said = "";
    example.stderr!.on("data", (text) => {
      said += text;
    });
    const ended = once(example, "exit").then(() => {
      throw new Error(`the example ended: ${said}`);
    });
    ended.catch(() => {});
    const [line] = await Promise.race([once(createInterface({ input: example.stdout! }), "line"), ended]);
    origin = (JSON.parse(line as string) as { url: string }).url;
  }, 300_000);
  afterAll(async () => {
    if (example.exitCode !== null) return;
    const exited = once(example, "exit");
    example.kill("SIGINT");
    expect((await exited)[0]).toBe(0);
  }, 120_000);

  it("serves a site that fits its own strict policy", async () => {
    const page = await send("GET", new URL("/", origin));
    expect(page.status).toBe(200);
    expect(page.headers["content-security-policy"]).toBe(contentSecurityPolicy);
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    // No script or style inside of the page, and nothing from elsewhere.
    expect(page.text).not.toMatch(/<style|style=|https?:|<script(?![^>]* src="\/)/);
    const script = /<script[^>]* src="([^"]+)"/.exec(page.text)![1]!;
    const style = /<link[^>]* href="([^"]+\.css)"/.exec(page.text)![1]!;
    const types = await Promise.all(
      [script, style, "/icon.svg"].map(
        async (file) => (await send("GET", new URL(file, origin))).headers["content-type"],
      ),
    );
    expect(types).toEqual(["text/javascript", "text/css", "image/svg+xml"]);
  });

  it("gives a visitor a cookie that no script can read, and tokens only with it", async () => {
    const login = await post("/api/login");
    const [cookie = ""] = login.headers["set-cookie"]!;
    for (const part of ["__Host-visitor=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"]) {
      expect(cookie).toContain(part);
    }
    expect((await post("/api/login", { cookie })).text).toBe(login.text);
    expect((await post("/api/token")).status).toBe(401);
    const forged = cookie.replace(/=(\w)/, (_, digit) => `=${digit === "0" ? "1" : "0"}`);
    expect((await post("/api/token", { cookie: forged })).status).toBe(401);
    expect((await post("/api/token", { cookie, origin: "https://elsewhere.example" })).status).toBe(403);
    expect((await post("/api/kill-leader", { cookie, origin: "https://elsewhere.example" })).status).toBe(403);
    expect((await post("/api/kill-leader")).status).toBe(401);
  });

  it("limits the visitor through the proxy, by what the policy file says; its token opens nothing else", async () => {
    const { key, token } = await visit();
    const outcomes: string[] = [];
    for (let call = 0; call < 7; call += 1) {
      const reply = await allow(token, { key, rule: { policy: "button" } });
      expect(reply.status, reply.text).toBe(200);
      const { decision } = JSON.parse(reply.text) as { decision: { outcome: string; limit: number } };
      expect(decision.limit).toBe(5);
      outcomes.push(decision.outcome);
    }
    const expected = ["ALLOWED", "ALLOWED", "ALLOWED", "ALLOWED", "ALLOWED", "LIMITED", "LIMITED"];
    expect(outcomes).toEqual(expected.map((one) => `OUTCOME_${one}`));
    const other = await visit();
    expect((await allow(token, { key: other.key, rule: { policy: "button" } })).status).toBe(403);
    expect((await allow(token, { key, rule: { policy: "other" } })).status).toBe(403);
    expect((await allow(token, { key, rule: { limit: 1_000, windowUs: "1000000" } })).status).toBe(403);
    expect((await allow("", { key, rule: { policy: "button" } })).status).toBe(401);
  });

  it("shows the kill of the leader, and nobody's call fails for it", { timeout: 120_000 }, async () => {
    const { cookie, key, token } = await visit();
    const views: ClusterView[] = [];
    const events = https.get(new URL("/api/cluster", origin), { rejectUnauthorized: false });
    const [stream] = (await once(events, "response")) as [http.IncomingMessage];
    const lines = createInterface({ input: stream });
    // The test itself breaks the stream off.
    for (const one of [events, stream, lines]) one.on("error", () => {});
    lines.on("line", (line) => {
      if (line.startsWith("data: ")) views.push(JSON.parse(line.slice("data: ".length)));
    });
    const latest = () => views.at(-1);
    const before = await until("nobody leads", 30_000, async () => (latest()?.leaderId ? latest()! : null));

    const killed = JSON.parse((await post("/api/kill-leader", { cookie })).text) as { nodeId: number };
    expect(killed.nodeId).toBe(before.leaderId);
    // As a browser's guard does it: under a request id the same call may be sent again, and counts once.
    const statuses = await Promise.all(
      Array.from({ length: 40 }, (_, call) =>
        until(`call ${call} is not answered`, 20_000, async () => {
          const reply = await allow(token, { key, rule: { policy: "traffic" } }, `${key}-${call}`);
          return reply.status === 200 ? JSON.parse(reply.text).decision : null;
        }),
      ),
    );
    expect(statuses.every(({ outcome }) => outcome === "OUTCOME_ALLOWED")).toBe(true);
    // 200 less the 40 that were admitted, however often each was sent.
    expect(Math.min(...statuses.map(({ remaining }) => remaining ?? 0))).toBe(160);

    const during = await until("nobody leads again", 30_000, async () => (latest()!.leaderId > 0 ? latest()! : null));
    expect(during.leaderId).not.toBe(killed.nodeId);
    expect(during.term).toBeGreaterThan(before.term);
    expect(during.gapMs).toBeGreaterThan(0);
    const second = await post("/api/kill-leader", { cookie });
    expect([second.status, second.text]).toEqual([409, expect.stringContaining("away")]);
    await until("the node is not back", 60_000, async () =>
      latest()!.nodes.every(({ state }) => state === "running") ? true : null,
    );
    events.destroy();
  });

  it("says which port is in use, and what to write", async () => {
    const second = start("--port", new URL(origin).port);
    let said = "";
    second.stderr!.on("data", (text) => {
      said += text;
    });
    const [code] = await once(second, "close");
    expect(code).toBe(1);
    expect(said).toMatch(/^web: port \d+ is in use.*--port/);
  });
});
