import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { leaderKnown } from "../server/leader-known.fixture.ts";
import { type RunningServer, startServer } from "../server/start-server.ts";
import { parseTokenKeys } from "../server/tokens/token-keys.ts";
import { devCommand } from "./dev-command.ts";
import { memberListCommand } from "./member-commands.ts";
import { nodeCommand } from "./node-command.ts";
import { policyGetCommand } from "./policy-commands.ts";
import { statusCommand } from "./status-command.ts";
import { tokenKeyNewCommand, tokenNewCommand } from "./token-commands.ts";

let folder: string;
let server: RunningServer | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-token-commands-"));
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await server?.stop();
  server = null;
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string): string => join(folder, name);
const files = (key = "token-key.json") => ["--key", file(key), "--token-keys", file("token-keys.json")];

/** Runs a command, and gives back what it printed. */
async function printed(
  command: (args: readonly string[]) => Promise<number>,
  args: readonly string[],
): Promise<string> {
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    expect(await command(args)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

describe("token-key new", () => {
  it("writes the private key for its owner alone, and adds what nodes need of it to their set", async () => {
    await printed(tokenKeyNewCommand, ["--id", "one", ...files()]);
    await printed(tokenKeyNewCommand, ["--id", "two", ...files("next.json")]);
    const keys = parseTokenKeys(await readFile(file("token-keys.json"), "utf8"));
    expect([...keys.keys()]).toEqual(["one", "two"]);
    expect((await stat(file("token-key.json"))).mode & 0o777).toBe(0o600);
    expect(await readFile(file("token-keys.json"), "utf8")).not.toContain('"d"');
  });

  it("keeps a set with a secret to its owner", async () => {
    await printed(tokenKeyNewCommand, ["--id", "one", "--algorithm", "HS256", ...files()]);
    expect((await stat(file("token-keys.json"))).mode & 0o777).toBe(0o600);
    expect(parseTokenKeys(await readFile(file("token-keys.json"), "utf8")).get("one")?.algorithm).toBe("HS256");
  });

  it("writes nothing over, and nothing at all if something is wrong", async () => {
    await printed(tokenKeyNewCommand, ["--id", "one", ...files()]);
    const [key, set] = [
      await readFile(file("token-key.json"), "utf8"),
      await readFile(file("token-keys.json"), "utf8"),
    ];
    await expect(tokenKeyNewCommand(["--id", "two", ...files()])).rejects.toThrow("it is there already");
    await expect(tokenKeyNewCommand(["--id", "one", ...files("next.json")])).rejects.toThrow("one");
    await expect(tokenKeyNewCommand(["--id", "", ...files("next.json")])).rejects.toThrow("id");
    expect(await readFile(file("token-key.json"), "utf8")).toBe(key);
    expect(await readFile(file("token-keys.json"), "utf8")).toBe(set);
    expect(await stat(file("next.json")).catch(() => null)).toBeNull();
  });

  it("adds to no file that is something else", async () => {
    await writeFile(file("token-keys.json"), '{"secret":"hunter2');
    const made = tokenKeyNewCommand(["--id", "one", ...files()]);
    await expect(made).rejects.toThrow("it is no set of keys");
    await expect(made).rejects.not.toThrow("hunter2");
  });
});

describe("token new", () => {
  it("makes a token with which operators are let in, and without which they are not", async () => {
    await printed(tokenKeyNewCommand, ["--id", "one", ...files()]);
    const token = await printed(tokenNewCommand, ["--key", file("token-key.json"), "--token-audience", "shop"]);
    await writeFile(file("token"), token);
    const anyPort = { host: "127.0.0.1", port: 0 };
    server = await startServer({
      nodeId: 1,
      cluster: [{ nodeId: 1, ...anyPort }],
      dataFolder: file("data"),
      grpc: anyPort,
      http: anyPort,
      processMetrics: false,
      tokenKeys: file("token-keys.json"),
      tokenAudience: "shop",
    });
    await leaderKnown(server);
    const at = ["--endpoints", server.addresses.grpcEndpoint, "--json"];
    for (const command of [statusCommand, memberListCommand, policyGetCommand]) {
      await expect(command(at)).rejects.toThrow(/no token.*--token-file/);
      await printed(command, [...at, "--token-file", file("token")]);
    }
    vi.stubEnv("QUORUMGUARD_TOKEN", token);
    await printed(statusCommand, at);
  });

  it.each([
    [["--operations", "all"], "all"],
    [["--expires-in", "2d"], "expiresIn"],
  ])("refuses %j", async (args, message) => {
    await printed(tokenKeyNewCommand, ["--id", "one", ...files()]);
    await expect(tokenNewCommand(["--key", file("token-key.json"), ...args])).rejects.toThrow(message);
  });

  it("shows nothing of a key that it cannot read", async () => {
    await writeFile(file("token-key.json"), '{"kty":"oct","k":"hunter2');
    const made = tokenNewCommand(["--key", file("token-key.json")]);
    await expect(made).rejects.toThrow("key");
    await expect(made).rejects.not.toThrow("hunter2");
  });
});

describe.each(["--token-calls-per-second", "--visitor-keys-per-minute"])("%s", (flag) => {
  const own = () => ["--id", "1", "--cluster", "1=127.0.0.1:0", "--data", file("data")];
  it.each([
    ["0", `${flag} is "0": it must be a whole number from 1 to 1000000`],
    ["many", `${flag} is "many": it must be a whole number`],
    ["5", `${flag} is 5: without tokenKeys no token is looked at`],
  ])("of %s is refused to a node without keys", async (value, message) => {
    await expect(nodeCommand([...own(), flag, value])).rejects.toThrow(message);
  });

  it("is looked at before dev starts anything", async () => {
    const started = devCommand([flag, "0", "--data", file("data")]);
    await expect(started).rejects.toThrow(flag);
    expect(await stat(file("data")).catch(() => null)).toBeNull();
  });
});

describe("--token-file", () => {
  it.each([
    ["there is no such file", null, "ENOENT"],
    ["it holds something else", "a password", "it must hold a token"],
  ])("is told when %s, and the contents are not", async (_name, contents, message) => {
    if (contents !== null) await writeFile(file("token"), contents);
    const asked = statusCommand(["--endpoints", "127.0.0.1:1", "--token-file", file("token")]);
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.not.toThrow("password");
  });
});
