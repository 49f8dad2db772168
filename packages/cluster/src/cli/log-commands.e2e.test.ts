import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandProcess, type Ended } from "./node-process.fixture.ts";

interface Dumped {
  readonly index: number;
  readonly type: string;
  readonly items?: number;
  readonly keys?: readonly string[];
}

let folder: string;
const started: CommandProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-log-e2e-"));
});
afterEach(async () => {
  for (const command of started.splice(0)) command.child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

function command(...args: string[]): CommandProcess {
  const process = new CommandProcess(args);
  started.push(process);
  return process;
}

function ended(...args: string[]): Promise<Ended> {
  return command(...args).ended;
}

async function startNode(peerPort: number): Promise<{ readonly node: CommandProcess; readonly grpc: string }> {
  const cluster = `1=127.0.0.1:${peerPort}`;
  const data = join(folder, "data");
  const addresses = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const node = command("node", "--id", "1", "--cluster", cluster, "--data", data, "--json", ...addresses);
  const { grpcPort } = await node.line<{ readonly grpcPort: number }>("stdout", () => true);
  return { node, grpc: `127.0.0.1:${grpcPort}` };
}

test("the folder of a node that was killed is refused while it runs, then verified and dumped, and the node goes on with it", {
  timeout: 120_000,
}, async () => {
  const [peerPort = 0] = await freePorts(1);
  const first = await startNode(peerPort);
  const allow = (grpc: string) => ended("allow", "e2e:key", "2", "1h", "--endpoints", grpc, "--timeout", "60000");
  expect((await allow(first.grpc)).status).toBe(0);
  expect((await allow(first.grpc)).status).toBe(0);

  const data = join(folder, "data");
  const running = await ended("log", "verify", data);
  expect(running.status).toBe(1);
  expect(running.stderr).toContain(`process ${first.node.child.pid} uses the folder`);
  await first.node.signal("SIGKILL");

  const verified = await ended("log", "verify", data, "--json");
  expect(verified.status).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ sound: true, damage: [], identity: { nodeId: 1 } });
  const dumped = await ended("log", "dump", data, "--json", "--keys");
  expect(dumped.status).toBe(0);
  const entries = dumped.stdout.split("\n").map((line) => JSON.parse(line) as Dumped);
  expect(entries.flatMap((entry) => entry.keys ?? [])).toEqual(["e2e:key", "e2e:key"]);
  expect(entries.map((entry) => entry.index)).toEqual(entries.map((_, at) => (entries[0]?.index ?? 0) + at));

  const again = await startNode(peerPort);
  expect((await allow(again.grpc)).status).toBe(3);
});
