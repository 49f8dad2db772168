import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TestAuthority } from "../server/certificates.fixture.ts";
import { CommandProcess } from "./node-process.fixture.ts";

let folder = "";
let endpoint = "";
let node: CommandProcess;

const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-allow-"));
  const [authority, other] = [new TestAuthority("ours"), new TestAuthority("another")];
  const { cert, key } = authority.issue("node");
  await Promise.all([
    writeFile(path("ca.pem"), authority.ca),
    writeFile(path("other.pem"), other.ca),
    writeFile(path("cert.pem"), cert),
    writeFile(path("key.pem"), key),
  ]);
  const [grpc, http, peer] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
  endpoint = grpc!;
  const own = ["--id", "1", "--data", path("data"), "--grpc", endpoint, "--http", http!, "--cluster", `1=${peer}`];
  node = new CommandProcess(["node", ...own, "--tls-cert", path("cert.pem"), "--tls-key", path("key.pem")]);
  const leads = ({ event, leaderId }: { readonly event: string; readonly leaderId?: number }) =>
    event === "topology" && leaderId === 1;
  await node.line("stderr", leads);
}, 120_000);

afterAll(async () => {
  await node?.signal("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

const allow = (...more: readonly string[]) =>
  new CommandProcess(["allow", "user:1", "5", "1m", "--json", "--timeout", "60000", ...more]).ended;

it("allow trusts the authority that it is given, as other commands do, with https:// or without", {
  timeout: 120_000,
}, async () => {
  for (const at of [endpoint, `https://${endpoint}`]) {
    const { status, stdout, stderr } = await allow("--endpoints", at, "--tls-ca", path("ca.pem"));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ allowed: true, source: "quorum" });
  }
  const distrusted = await allow("--endpoints", endpoint, "--tls-ca", path("other.pem"));
  expect(distrusted.status).toBe(1);
  expect(JSON.parse(distrusted.stdout)).toMatchObject({ error: { code: "misconfigured" } });
});
