import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skipReason, startTlsProxy } from "@quorumguard/testbed";
import { expect, it } from "vitest";
import { TestAuthority } from "../../packages/cluster/src/server/certificates.fixture.ts";

const reason = skipReason("nginx");
const required = process.env.CI === "true";
if (reason !== null && !required) console.warn(`skipped: ${reason}`);

const types = {
  "index.html": "text/html",
  "app.js": "text/javascript",
  "app.css": "text/css",
  "logo.svg": "image/svg+xml",
  "font.woff2": "font/woff2",
};

it.skipIf(reason !== null && !required)(
  "a site of files behind deploy/nginx/nginx.conf comes with the types that browsers insist on",
  async () => {
    const authority = new TestAuthority("visitors' authority");
    const folder = await mkdtemp(join(tmpdir(), "quorumguard-site-"));
    const proxy = await startTlsProxy({
      // No call is made.
      nodes: [{ grpcEndpoint: "127.0.0.1:9", httpUrl: "http://127.0.0.1:9" }],
      certificate: authority.issue("localhost"),
      site: `location / { root "${folder}"; }`,
    });
    try {
      for (const name of Object.keys(types)) await writeFile(join(folder, name), "");
      const answers = Object.keys(types).map(async (name) => [
        name,
        await typeOf(`${proxy.url}/${name}`, authority.ca),
      ]);
      expect(Object.fromEntries(await Promise.all(answers))).toEqual(types);
    } finally {
      await proxy.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);

function typeOf(url: string, ca: Uint8Array | string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca: String(ca), agent: false }, (response) => {
      response.resume();
      resolve(response.headers["content-type"]);
    });
    sent.on("error", reject);
    sent.end();
  });
}
