import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandProcess } from "./node-process.fixture.ts";

interface Event {
  readonly kind: "applied" | "retrying" | "failed";
  readonly version?: number;
  readonly edits?: readonly string[];
  readonly text?: string;
}

let folder: string;
let grpc: string;
let http: string;
let peer: string;
let started: CommandProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-watch-"));
  [grpc, http, peer] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`) as [string, string, string];
});

afterEach(async () => {
  await Promise.all(started.map((process) => process.signal("SIGKILL")));
  started = [];
  await rm(folder, { recursive: true, force: true });
});

function run(...args: readonly string[]): CommandProcess {
  const process = new CommandProcess(args);
  started.push(process);
  return process;
}

const startNode = (): CommandProcess => {
  const own = ["--id", "1", "--cluster", `1=${peer}`, "--data", join(folder, "data")];
  return run("node", ...own, "--grpc", grpc, "--http", http);
};

/** Each attempt of it ends long before the cluster is there. */
const watch = (name: string): CommandProcess =>
  run("policy", "watch", name, "--endpoints", grpc, "--timeout", "200", "--json");

const said = (watching: CommandProcess): readonly Event[] =>
  watching
    .said("stdout")
    .split("\n")
    .map((line) => JSON.parse(line) as Event);

async function file(text: string): Promise<string> {
  const name = join(folder, "policies.yaml");
  await writeFile(`${name}.new`, text);
  await rename(`${name}.new`, name);
  return name;
}

const limited = (limit: number) => `policies: [{ name: login, limit: ${limit}, window: 1m }]\n`;
const withTier = "tierKeys: [{ key: 'user:1', tier: gold }]\n";

describe("policy watch", { timeout: 120_000 }, () => {
  it("puts a file in force once the cluster is there, however long it was away", async () => {
    const watching = watch(await file(limited(5)));
    const { text } = await watching.line<Event>("stdout", ({ kind }) => kind === "retrying");
    expect(text).toMatch(/^no answer within 200 ms .*; what is in force stays; trying again in 1 s$/);
    startNode();
    const applied = await watching.line<Event>("stdout", ({ kind }) => kind === "applied");
    expect(applied).toMatchObject({ version: 1, changed: 1, edits: [expect.stringContaining('"login"')] });
    expect(await watching.signal("SIGINT")).toMatchObject({ status: 0, stderr: "" });
  });

  it("goes on with what the file says by then, past a bad one", async () => {
    const watching = watch(await file(limited(5)));
    await watching.line<Event>("stdout", ({ kind }) => kind === "retrying");
    await file("policies: [");
    await watching.line<Event>("stdout", ({ kind }) => kind === "failed");
    await file(limited(6));
    startNode();
    const applied = (text: string) =>
      watching.line<Event>("stdout", ({ edits = [] }) => edits.some((edit) => edit.includes(text)));
    await applied("limit 6");
    await file(limited(7));
    await applied("limit 6 → 7");
  });

  it("does not try again what the cluster refuses", async () => {
    startNode();
    const watching = watch(await file(withTier));
    const { text } = await watching.line<Event>("stdout", ({ kind }) => kind === "failed");
    expect(text).toMatch(/the tier "gold", which is not there; what is in force stays$/);
    const failures = () => said(watching).filter(({ kind }) => kind === "failed");
    await file(limited(6));
    await watching.line<Event>("stdout", ({ kind }) => kind === "applied");
    await file(withTier.replace("user:1", "user:2"));
    await expect.poll(failures, { timeout: 120_000 }).toHaveLength(2);
    // For so long as another one, which nobody answers, needs to try three times.
    const other = run("policy", "watch", join(folder, "policies.yaml"), "--endpoints", "127.0.0.1:1", "--timeout", "1");
    await other.text("stderr", /trying again in 4 s$/);
    expect(failures()).toHaveLength(2);
  });

  it("ends when it is told to, also while it waits for an answer", async () => {
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    const { port } = await once(silent, "listening").then(() => silent.address() as AddressInfo);
    const asked = once(silent, "connection");
    const endpoint = `127.0.0.1:${port}`;
    const watching = run("policy", "watch", await file(limited(5)), "--endpoints", endpoint, "--timeout", "600000");
    await asked;
    expect(await watching.signal("SIGTERM")).toMatchObject({ status: 0, stdout: "", stderr: "" });
    silent.close();
  });
});
