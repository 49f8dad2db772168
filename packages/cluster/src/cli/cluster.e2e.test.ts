import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { freePortRun, freePorts, skipReason } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ReflectionClient } from "../server/reflection-client.fixture.ts";
import { CommandProcess } from "./node-process.fixture.ts";

interface Listening {
  readonly nodeId: number;
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  readonly peerPort: number;
}
interface Topology {
  readonly event: string;
  readonly leaderId: number;
  readonly term: number;
}
interface TestNode {
  readonly nodeId: number;
  process: CommandProcess;
  listening: Listening;
}

/** Commands of which a decision is expected, on however busy a machine. */
const patient = ["--timeout", "60000"];

let folder: string;
let started: CommandProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-e2e-"));
  started = [];
});

afterEach(async ({ task }) => {
  // A node that failed by itself has said why; without this the reason would be lost with the test.
  if (task.result?.state === "fail") for (const command of started) process.stderr.write(command.output());
  await Promise.all(started.map((command) => command.signal("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

function run(...args: string[]): CommandProcess {
  const command = new CommandProcess(args);
  started.push(command);
  return command;
}

/** Client ports are any: nodes must tell each other where clients reach them. */
async function startNode(nodeId: number, peerPorts: readonly number[]): Promise<TestNode> {
  const cluster = peerPorts.map((port, at) => `${at + 1}=127.0.0.1:${port}`).join(",");
  const flags = ["--id", String(nodeId), "--cluster", cluster, "--data", join(folder, String(nodeId)), "--json"];
  const process = run("node", ...flags, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0");
  return { nodeId, process, listening: await process.line<Listening>("stdout", () => true) };
}

const leaderOf = (node: TestNode, above = 0) =>
  node.process.line<Topology>(
    "stderr",
    ({ event, leaderId, term }) => event === "topology" && leaderId !== 0 && term > above,
  );

/** The id makes it one call however often it is asked. */
const callOf = (key: string) => ({
  check: { key, rule: { limit: 5, windowUs: "3600000000" } },
  requestId: randomUUID(),
});

/** Asks again while no node can answer: on a busy machine a leader may lose its office at any time. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!/unavailable/i.test(String(error))) throw error;
    }
  }
}

function allow({ listening }: TestNode, key: string): Promise<{ outcome: string; remaining: number }> {
  const body = JSON.stringify(callOf(key));
  return untilAnswered(async () => {
    const response = await fetch(`${listening.httpUrl}/quorumguard.v1.GuardService/Allow`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    const answer = (await response.json()) as { decision: { outcome: string; remaining: number } };
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer.decision;
  });
}

/** A plain gRPC call of a client that knows nothing but the address. */
async function allowByReflection({ listening }: TestNode, key: string): Promise<JsonObject> {
  const client = new ReflectionClient(listening.grpcEndpoint);
  const call = callOf(key);
  const answer = await untilAnswered(() => client.call("quorumguard.v1.GuardService", "Allow", call));
  client.close();
  return answer;
}

describe("three processes", () => {
  it("decide as one through the death of their leader, and stop with status 0", { timeout: 120_000 }, async () => {
    const ports = await freePorts(3);
    const nodes = await Promise.all([1, 2, 3].map((nodeId) => startNode(nodeId, ports)));
    await Promise.all(nodes.map((node) => leaderOf(node)));

    // JSON against any node, leader or not: five of six are admitted, whoever is asked.
    const outcomes: string[] = [];
    for (let i = 0; i < 6; i++) outcomes.push((await allow(nodes[i % 3]!, "shared")).outcome);
    expect(outcomes).toEqual([...Array(5).fill("OUTCOME_ALLOWED"), "OUTCOME_LIMITED"]);

    // By reflection, against any node.
    for (const node of nodes) {
      const answer = await allowByReflection(node, "by-reflection");
      expect(answer).toMatchObject({ decision: { outcome: "OUTCOME_ALLOWED", limit: 5 } });
    }

    // Every node knows where clients reach the others, though only peer addresses were given.
    const status = await run("status", "--endpoints", nodes[0]!.listening.grpcEndpoint, ...patient, "--json").ended;
    expect(status.status).toBe(0);
    const shown = JSON.parse(status.stdout);
    expect(shown.members.map((member: Listening) => [member.nodeId, member.grpcEndpoint, member.httpUrl])).toEqual(
      nodes.map(({ nodeId, listening }) => [nodeId, listening.grpcEndpoint, listening.httpUrl]),
    );
    const [{ leaderId, term }] = shown.members as [Topology];
    expect(shown.members.map((member: Topology) => member.leaderId)).toEqual(Array(3).fill(leaderId));

    const leader = nodes[leaderId - 1]!;
    const others = nodes.filter((node) => node !== leader);
    expect((await leader.process.signal("SIGKILL")).signal).toBe("SIGKILL");
    const [next] = await Promise.all(others.map((node) => leaderOf(node, term)));
    expect(next!.leaderId).not.toBe(leaderId);
    // What was admitted before the death still counts, and new keys are admitted.
    for (const node of others) {
      expect((await allow(node, "shared")).outcome).toBe("OUTCOME_LIMITED");
      expect((await allow(node, "after")).outcome).toBe("OUTCOME_ALLOWED");
    }

    const back = await startNode(leaderId, ports);
    await leaderOf(back);
    expect((await allow(back, "shared")).outcome).toBe("OUTCOME_LIMITED");
    const ends = await Promise.all([back, ...others].map((node) => node.process.signal("SIGTERM")));
    expect(ends.map(({ status: code, stderr }) => [code, stderr.includes('"stopped"')])).toEqual(
      Array(3).fill([0, true]),
    );
  });

  it("outlive garbage on every port", { timeout: 120_000 }, async () => {
    const ports = await freePorts(3);
    const nodes = await Promise.all([1, 2, 3].map((nodeId) => startNode(nodeId, ports)));
    await Promise.all(nodes.map((node) => leaderOf(node)));
    for (const { listening } of nodes) {
      const clientPorts = [listening.grpcEndpoint, listening.httpUrl].map((address) =>
        Number(address.split(":").at(-1)),
      );
      for (const port of [...clientPorts, listening.peerPort]) {
        const socket = connect(port, "127.0.0.1");
        // Not by `once` of node:events, which would reject: a reset is as good an end as any.
        socket.on("error", () => {});
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.end(new Uint8Array(65_536).fill(0xa5));
        socket.resume();
        await closed;
      }
    }
    for (const node of nodes) expect((await allow(node, "still-there")).outcome).toBe("OUTCOME_ALLOWED");
  });
});

describe("a node that cannot start says why in one line", () => {
  const alone = (nodeId: number, port: number, ...more: string[]) =>
    run(
      "node",
      "--id",
      String(nodeId),
      "--cluster",
      `${nodeId}=127.0.0.1:${port}`,
      "--data",
      join(folder, "data"),
      ...more,
    );
  const any = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];

  it("when the data folder is another node's", async () => {
    const first = alone(1, 0, ...any);
    await first.line<Topology>("stderr", ({ event, leaderId }) => event === "topology" && leaderId === 1);
    expect((await first.signal("SIGTERM")).status).toBe(0);
    const second = await alone(2, 0, ...any).ended;
    expect(second.status).toBe(1);
    expect(second.stderr.split("\n").at(-1)).toMatch(/^quorumguard: the data folder belongs to node 1 .*not to node 2/);
  });

  it("when the data folder is in use", async () => {
    const first = alone(1, 0, ...any);
    await first.line<Topology>("stderr", ({ event, leaderId }) => event === "topology" && leaderId === 1);
    const second = await alone(1, 0, ...any).ended;
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/^quorumguard: .*process \d+ uses the data folder/);
  });

  it.each(["--grpc", "--http", "--peer"])("when the %s port is in use", async (flag) => {
    const [port] = await freePorts(1);
    const holder = run(
      "node",
      "--id",
      "1",
      "--cluster",
      `1=127.0.0.1:${port}`,
      "--data",
      join(folder, "holder"),
      ...any,
    );
    await holder.line<Topology>("stderr", ({ event }) => event === "listening");
    const others = any.filter((_, at) => any[at - (at % 2)] !== flag);
    const second = await alone(1, 0, ...others, flag, `127.0.0.1:${port}`).ended;
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(
      `quorumguard: ${flag}: cannot listen on 127.0.0.1:${port}: another process has this port`,
    );
    expect(second.stderr.trim().split("\n").length).toBe(1);
  });

  it("when acknowledged data is damaged: file, offset and what to do", async () => {
    const first = alone(1, 0, ...any, "--json");
    const listening = await first.line<Listening>("stdout", () => true);
    await first.line<Topology>("stderr", ({ event, leaderId }) => event === "topology" && leaderId === 1);
    const node = { nodeId: 1, process: first, listening };
    for (const key of ["the-first-key", "the-second-key", "the-third-key"]) await allow(node, key);
    await first.signal("SIGKILL");
    const logFolder = join(folder, "data", "log");
    const [segment] = await readdir(logFolder);
    const bytes = await readFile(join(logFolder, segment!));
    const at = bytes.indexOf("the-first-key");
    bytes[at]! ^= 1;
    await writeFile(join(logFolder, segment!), bytes);
    const second = await alone(1, 0, ...any).ended;
    expect(second.status).toBe(1);
    const [line, ...more] = second.stderr.trim().split("\n");
    expect(more).toEqual([]);
    const [, file, offset] = /^quorumguard: (\S+) at byte (\d+): .*must not vote/.exec(line!) ?? [];
    expect(file).toBe(`log/${segment}`);
    expect(Number(offset)).toBeLessThanOrEqual(at);
    expect(Number(offset)).toBeGreaterThan(at - 4_096);
  });

  it("when its folder is a file, or would have to be in one", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const start = (data: string) => {
      const flags = ["--id", "1", "--cluster", "1=127.0.0.1:0", "--data", data];
      return run("node", ...flags, ...any).ended;
    };
    const itself = await start(file);
    expect([itself.status, itself.stderr]).toEqual([
      1,
      `quorumguard: --data: cannot use ${JSON.stringify(file)}: this is a file (EEXIST); give a folder, which is created if it is absent`,
    ]);
    const inside = await start(join(file, "inside"));
    expect(inside.status).toBe(1);
    expect(inside.stderr).toContain("--data: cannot use");
    expect(inside.stderr).toContain("a part of this path is a file (ENOTDIR)");
  });

  it("when it would speak plain text off loopback", async () => {
    const exposed = await alone(1, 0, "--http", "127.0.0.1:0", "--grpc", "0.0.0.0:0").ended;
    expect(exposed.status).toBe(2);
    expect(exposed.stderr).toContain('--grpc is "0.0.0.0": off loopback it needs TLS');
  });
});

describe("a command at the wrong place", () => {
  const dead = async () => `127.0.0.1:${(await freePorts(1))[0]}`;

  it("status at another port of a node: what is spoken there, and the right port", { timeout: 120_000 }, async () => {
    const [peerPort] = await freePorts(1);
    const { listening } = await startNode(1, [peerPort!]);
    const http = new URL(listening.httpUrl).host;
    const ask = (endpoint: string) => run("status", "--endpoints", endpoint).ended;
    const answers = await Promise.all([
      ask(http),
      ask(`127.0.0.1:${peerPort}`),
      ask(`https://${listening.grpcEndpoint}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([1, 1, 1]);
    expect(answers.map(({ stderr }) => stderr)).toEqual([
      `quorumguard: no node answers (${http}: HTTP/1.1 is spoken there, not gRPC; it is the HTTP port of node 1, whose gRPC address is ${listening.grpcEndpoint}); is it running, and is --endpoints right?`,
      expect.stringMatching(/it is a node's peer port: give its gRPC port/),
      expect.stringContaining(`plain HTTP/2 is spoken there, without TLS; write ${listening.grpcEndpoint}`),
    ]);
  });

  it("status at a web server, and at what is no server", { timeout: 120_000 }, async () => {
    const web = createServer((_, response) => response.end("<html>")).listen(0, "127.0.0.1");
    await once(web, "listening");
    const at = `127.0.0.1:${(web.address() as AddressInfo).port}`;
    const answer = await run("status", "--endpoints", at).ended;
    web.closeAllConnections();
    web.close();
    expect(answer.stderr).toContain(
      `(${at}: HTTP/1.1 is spoken there, not gRPC; give a node's gRPC port (7400 by default))`,
    );
    const nowhere = await dead();
    const { stderr } = await run("status", "--endpoints", nowhere).ended;
    expect(stderr).toContain(`(${nowhere}: nothing listens there (ECONNREFUSED))`);
  });

  it("allow at a port where nothing listens names it once", async () => {
    const nowhere = await dead();
    const { status, stderr } = await run("allow", "key", "5", "1m", "--endpoints", nowhere, "--timeout", "300").ended;
    expect(status).toBe(1);
    const remedy =
      "is a cluster running there? `npx quorumguard dev` starts one; else mend endpoints or QUORUMGUARD_ENDPOINTS";
    expect(stderr).toBe(
      `quorumguard: no leader took the call within 300 ms; nothing was counted (${nowhere}: connect ECONNREFUSED; ${remedy})`,
    );
  });
});

describe("quorumguard dev", () => {
  it("runs a cluster, shows it, and ends it with status 0", { timeout: 120_000 }, async () => {
    const dev = run("dev", "--json", "--port", String(await freePortRun(30)), "--data", folder);
    const ready = await dev.line<{ event: string; endpoints: string[] }>("stdout", ({ event }) => event === "ready");
    expect(ready.endpoints.length).toBe(3);
    const asked = await run("allow", "key", "1", "1m", "--json", "--endpoints", ready.endpoints.join(","), ...patient)
      .ended;
    expect(asked.status).toBe(0);
    expect(JSON.parse(asked.stdout)).toMatchObject({ allowed: true, source: "quorum", degraded: false });
    const again = await run("allow", "key", "1", "1m", "--endpoints", ready.endpoints.join(","), ...patient).ended;
    expect(again.status).toBe(3);
    expect(again.stdout).toMatch(/^denied, try again in \d+ ms \(0 of 1 left/);
    const ended = await dev.signal("SIGINT");
    expect(ended.status).toBe(0);
    const exits = ended.stdout
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === "exited");
    expect(exits.map(({ status }) => status)).toEqual([0, 0, 0]);
  });

  it("is found at whatever ports it took by commands and guards that are told no endpoint", {
    timeout: 120_000,
  }, async () => {
    const here = { TMPDIR: folder, TEMP: folder, TMP: folder, QUORUMGUARD_ENDPOINTS: "" };
    const inFolder = (...args: string[]) => {
      const command = new CommandProcess(args, here);
      started.push(command);
      return command;
    };
    const dev = inFolder("dev", "--json", "--nodes", "1", "--port", String(await freePortRun(3)));
    const { endpoints } = await dev.line<{ event: string; endpoints: string[] }>(
      "stdout",
      ({ event }) => event === "ready",
    );
    const status = await inFolder("status", "--json").ended;
    expect(JSON.stringify(JSON.parse(status.stdout))).toContain(endpoints[0]);
    const asked = await inFolder("allow", "key", "1", "1m", "--json", ...patient).ended;
    expect(JSON.parse(asked.stdout)).toMatchObject({ allowed: true, source: "quorum" });
    expect((await dev.signal("SIGINT")).status).toBe(0);
    const left = await readdir(folder, { recursive: true });
    expect(left.filter((name) => name.endsWith(".json"))).toEqual([]);
  });

  it("leads a newcomer on: lines that work when pasted, and a leader to kill", { timeout: 120_000 }, async () => {
    const first = await freePortRun(30);
    const dev = run("dev", "--port", String(first));
    await dev.text("stdout", /Ctrl-C ends all/);
    const shown = dev.said("stdout");
    expect(shown).toContain(`export QUORUMGUARD_ENDPOINTS=127.0.0.1:${first},127.0.0.1:${first + 10},`);
    const [, leader, leaderProcess] = /^ {2}(\d) +(\d+) +leads/m.exec(shown)!;
    expect(shown).toContain(`kill -9 ${leaderProcess}`);
    const [pasted] = /curl .*Allow$/m.exec(shown)!;
    if (skipReason("curl") === null || process.env.CI === "true") {
      const answer = spawnSync("sh", ["-c", pasted], { encoding: "utf8" });
      expect(JSON.parse(answer.stdout)).toMatchObject({ decision: { outcome: "OUTCOME_ALLOWED", remaining: 4 } });
    }

    const second = await run("dev", "--port", String(first)).ended;
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(
      new RegExp(`--port ${first}: 127.0.0.1:${first} is taken.*choose another first port: --port \\d+$`),
    );

    process.kill(Number(leaderProcess), "SIGKILL");
    await dev.text("stdout", new RegExp(`^node ${leader}: ended \\(SIGKILL\\); 2 of 3 run$`));
    await dev.text("stdout", /^node \d leads \(term \d+\): process \d+$/);
    const endpoints = [0, 10, 20].map((at) => `127.0.0.1:${first + at}`).join(",");
    const status = await run("status", "--endpoints", endpoints).ended;
    expect(status.status).toBe(1);
    expect(status.stdout).toMatch(/^cluster [0-9a-f]{32}: node \d leads \(term \d+\), 2 of 3 members answer$/m);
    expect(status.stdout).toMatch(new RegExp(`^${leader} +down +– `, "m"));
    expect(status.stdout).toContain(`node ${leader} does not answer: nothing listens there (ECONNREFUSED)`);
    expect((await dev.signal("SIGINT")).status).toBe(0);
  });
});
