import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../image/health-check.mjs", import.meta.url));

/** Runs the check against a server that answers with this status, or against none. */
async function check(status: number | null, path?: string): Promise<{ code: number; output: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status ?? 0).end("what it says");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  if (status === null) server.close();
  const child = spawn(process.execPath, path === undefined ? [script] : [script, path], {
    env: { ...process.env, QUORUMGUARD_HEALTH_URL: `http://127.0.0.1:${port}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const [code] = await once(child, "close");
  server.close();
  return { code, output, asked };
}

describe("the image's health check", () => {
  it("succeeds when the node says so, and asks for the process alone unless told otherwise", async () => {
    expect(await check(200)).toEqual({ code: 0, output: "200 what it says\n", asked: ["/healthz"] });
    expect(await check(200, "/readyz")).toMatchObject({ code: 0, asked: ["/readyz"] });
  });

  it("fails with the reason when the node is not ready, or is not there", async () => {
    expect(await check(503, "/readyz")).toMatchObject({ code: 1, output: "503 what it says\n" });
    const gone = await check(null);
    expect(gone.code).toBe(1);
    expect(gone.output).toMatch(/127\.0\.0\.1.*ECONNREFUSED/);
  });
});
