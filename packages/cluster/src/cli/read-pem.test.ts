import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestAuthority } from "../server/certificates.fixture.ts";
import { nodeCommand } from "./node-command.ts";
import { statusCommand } from "./status-command.ts";

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-pem-"));
  const authority = new TestAuthority("ca");
  const [one, other] = [authority.issue("one"), authority.issue("other")];
  const files = { cert: one.cert, key: one.key, "other-key": other.key, ca: authority.ca, text: "hello" };
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const brokenKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  for (const [name, content] of Object.entries({ ...files, broken, "broken-key": brokenKey })) {
    await writeFile(file(name), content);
  }
});
afterAll(() => rm(folder, { recursive: true }));

const node = (...flags: string[]) =>
  nodeCommand(["--id", "1", "--cluster", "1=127.0.0.1:0", "--data", "unused", ...flags]);
const certificates = ["tls-cert", "tls-client-ca", "peer-cert", "peer-ca"];
const keys = ["tls-key", "peer-key"];

describe("a TLS file that TLS cannot use is refused by its flag", () => {
  it.each([...certificates, ...keys])("--%s", async (flag) => {
    const kind = keys.includes(flag) ? "a private key as PEM" : "certificates as PEM";
    const wrongKind = keys.includes(flag) ? "cert" : "key";
    const broken = keys.includes(flag) ? "broken-key" : "broken";
    const expected = (name: string, problem: string) => `--${flag} is ${JSON.stringify(file(name))}: ${problem}`;
    for (const name of ["text", wrongKind]) {
      const refused = expect(node(`--${flag}`, file(name))).rejects;
      await refused.toThrow(expected(name, `it must hold ${kind}`));
    }
    await expect(node(`--${flag}`, file(broken))).rejects.toThrow(expected(broken, "it cannot be read"));
    await expect(node(`--${flag}`, file("absent"))).rejects.toThrow(expected("absent", "ENOENT"));
    await expect(node(`--${flag}`, folder)).rejects.toThrow(`--${flag} is ${JSON.stringify(folder)}: EISDIR`);
  });

  it("--tls-ca of status", async () => {
    await expect(statusCommand(["--tls-ca", file("text")])).rejects.toThrow("--tls-ca is");
    await expect(statusCommand(["--tls-ca", file("absent")])).rejects.toHaveProperty("name", "UsageError");
  });
});

it("a key of another certificate is refused by both flags", async () => {
  await expect(node("--tls-cert", file("cert"), "--tls-key", file("other-key"))).rejects.toThrow(
    "--tls-key is not the key of the first certificate in --tls-cert",
  );
  const peers = ["--peer-cert", file("cert"), "--peer-key", file("other-key"), "--peer-ca", file("ca")];
  await expect(node(...peers)).rejects.toThrow("--peer-key is not the key of the first certificate in --peer-cert");
});
