import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { freePorts } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CommandProcess, type Ended } from "./node-process.fixture.ts";

interface Logged {
  readonly event: string;
  readonly leaderId?: number;
  readonly error?: string;
  readonly version?: number;
}
interface Watched {
  readonly kind: string;
  readonly version?: number;
  readonly text?: string;
}
interface Status {
  readonly leaderId: number;
}

let folder: string;
let ports: readonly number[];
let guard: Guard;
const nodes = new Map<number, CommandProcess>();

const at = (nodeId: number, listener: number) => `127.0.0.1:${ports[(nodeId - 1) * 3 + listener]!}`;
const endpoints = () => [1, 2, 3].map((nodeId) => at(nodeId, 0)).join(",");
const founders = () => [1, 2, 3].map((nodeId) => `${nodeId}=${at(nodeId, 2)}`).join(",");
const knowsLeader = (node: CommandProcess) =>
  node.line<Logged>("stderr", ({ event, leaderId = 0 }) => event === "topology" && leaderId !== 0);

function start(nodeId: number, ...more: readonly string[]): CommandProcess {
  const data = join(folder, String(nodeId));
  const own = ["--id", String(nodeId), "--data", data, "--grpc", at(nodeId, 0), "--http", at(nodeId, 1)];
  const node = new CommandProcess(["node", ...own, "--cluster", founders(), ...more]);
  nodes.set(nodeId, node);
  return node;
}

const run = (...args: readonly string[]): Promise<Ended> =>
  new CommandProcess([...args, "--endpoints", endpoints(), "--timeout", "60000", "--json"]).ended;

/** Runs a command that must end with `status`, and gives its JSON. */
async function quorumguard<T>(status: number, ...args: readonly string[]): Promise<T> {
  const ended = await run(...args);
  expect({ status: ended.status, stderr: ended.stderr }, ended.stdout).toEqual({ status, stderr: "" });
  return JSON.parse(ended.stdout) as T;
}

/** Asks one node over HTTP with JSON, as curl does. */
async function call<T>(nodeId: number, method: string, body: object): Promise<T & { readonly code?: string }> {
  const response = await fetch(`http://${at(nodeId, 1)}/quorumguard.v1.${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T & { readonly code?: string };
}

async function file(text: string): Promise<string> {
  const name = join(folder, "policies.yaml");
  await writeFile(`${name}.new`, text);
  await rename(`${name}.new`, name);
  return name;
}

const policies = (limit: number) => `policies:
  - name: login
    limit: ${limit}
    window: 1h
    ban: { denials: 2, window: 1h, durations: [1h, 1d] }
  - name: search
    algorithm: token-bucket
    limit: 100
    window: 1s
overrides:
  - { policy: login, key: "user:vip", limit: 100 }
lists:
  - { list: deny, match: range, value: 192.0.2.0/24, policy: search }
`;

/** The decision of a policy by its name alone: the cluster's numbers. */
const named = (key: string, policy: string) => ({ check: { key, rule: { policy } } });

interface Answer {
  readonly decision: { readonly outcome: string; readonly limit: number; readonly remaining: number };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-policies-"));
  ports = await freePorts(9);
  await Promise.all([1, 2, 3].map((nodeId) => knowsLeader(start(nodeId))));
  guard = createGuard({
    endpoints: [1, 2, 3].map((nodeId) => at(nodeId, 0)),
    policies: { login: { limit: 1, window: "1h" } },
    onUnavailable: "throw",
    timeoutMs: 60_000,
  });
}, 120_000);

afterAll(async () => {
  await guard?.close();
  await Promise.all([...nodes.values()].map((node) => node.signal("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

async function leaderAndFollower(): Promise<readonly [number, number]> {
  // A busy machine may make them elect just now.
  for (;;) {
    const { status, stdout } = await run("status");
    if (status !== 0) continue;
    const { leaderId } = JSON.parse(stdout) as Status;
    return [leaderId, (leaderId % 3) + 1];
  }
}

describe("policies on a cluster of three", () => {
  it("come from a file, hold for every client at once, and are diffed, refused and rolled back", {
    timeout: 120_000,
  }, async () => {
    const [, follower] = await leaderAndFollower();
    const first = await quorumguard<{ version: number; changed: number }>(0, "policy", "put", await file(policies(3)));
    expect(first).toMatchObject({ version: 1, changed: 4 });
    const asked = await quorumguard<object>(0, "allow", "user:cli", "--policy", "login");
    expect(asked).toMatchObject({ allowed: true, limit: 3, remaining: 2, policy: "login" });
    // The SDK's own number for this name is 1; the cluster's wins.
    const decisions = [];
    for (let i = 0; i < 2; i++) decisions.push(await guard.allow("user:1", "login"));
    expect(decisions).toMatchObject([
      { allowed: true, limit: 3, remaining: 2 },
      { allowed: true, limit: 3, remaining: 1 },
    ]);
    const third = await call<Answer>(follower, "GuardService/Allow", named("user:1", "login"));
    expect(third.decision).toMatchObject({ outcome: "OUTCOME_ALLOWED", limit: 3, remaining: 0 });
    const vip = await call<Answer>(follower, "GuardService/Allow", named("user:vip", "login"));
    expect(vip.decision).toMatchObject({ limit: 100, remaining: 99 });
    const blocked = await call<Answer>(follower, "GuardService/Allow", named("ip:192.0.2.9", "search"));
    expect(blocked.decision.outcome).toBe("OUTCOME_BLOCKED");

    const diff = await quorumguard<{ edits: string[] }>(3, "policy", "diff", await file(policies(9)));
    expect(diff.edits).toEqual([expect.stringContaining('policy "login": limit 3 → 9')]);
    expect(await quorumguard(0, "policy", "put", join(folder, "policies.yaml"), "--expect", "1")).toMatchObject({
      version: 2,
      changed: 1,
    });
    const late = await run("policy", "put", await file(policies(7)), "--expect", "1");
    expect(late).toMatchObject({ status: 1 });
    expect(late.stderr).toContain("expectedVersion is 1; the namespace is at version 2: read it again");
    // Four more fit under 9 of which 3 are used, but three are asked for: counts outlive the change.
    expect(await guard.allow("user:1", "login", { cost: 3 })).toMatchObject({ allowed: true, limit: 9, remaining: 3 });

    const wrong = await run("policy", "put", await file(policies(-1)));
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(
      /policies\.yaml:3:12: policies\[0\]\.limit is -1; it must be a whole number from 0 to/,
    );

    expect(await quorumguard(0, "policy", "rollback", "1")).toMatchObject({ version: 3, changed: 1 });
    const shown = await quorumguard<{ version: number; document: { policies: object[] } }>(0, "policy", "get");
    expect(shown).toMatchObject({
      version: 3,
      document: { policies: [{ name: "login", limit: 3 }, { name: "search" }] },
    });
    const history = await quorumguard<{ revisions: { version: number; kind: string; about: string | null }[] }>(
      0,
      "policy",
      "history",
    );
    expect(history.revisions.map(({ version, kind, about }) => [version, kind, about])).toEqual([
      [3, "rollback", "version 1"],
      [2, "putDocument", null],
      [1, "putDocument", null],
    ]);
  });

  it("ban, explain, count and forgive; and all of it survives the leader", { timeout: 120_000 }, async () => {
    const [leader, follower] = await leaderAndFollower();
    for (let i = 0; i < 3; i++) await guard.allow("user:2", "login");
    for (let i = 0; i < 2; i++) expect(await guard.allow("user:2", "login")).toMatchObject({ allowed: false });
    expect(await guard.allow("user:2", "login")).toMatchObject({ allowed: false, reason: "banned" });
    const bans = await quorumguard<{ bans: object[]; total: number }>(0, "ban", "list");
    expect(bans).toMatchObject({ total: 1, bans: [{ policy: "login", key: "user:2", strikes: 1 }] });
    const explained = await quorumguard(0, "explain", "user:2", "--policy", "login");
    expect(explained).toMatchObject({
      key: "user:2",
      source: "policy",
      version: 3,
      rule: { algorithm: "sliding-window-log", limit: 3, windowMs: 3_600_000 },
      ban: { strikes: 1 },
      lastChange: { version: 3, kind: "rollback" },
    });
    const top = await quorumguard<{ nodeId: number; keys: object[] }>(0, "top");
    expect(top.nodeId).toBe(leader);
    expect(top.keys).toContainEqual(
      expect.objectContaining({ policy: "login", key: "user:2", overcount: 0, undercount: 0 }),
    );

    await nodes.get(leader)!.signal("SIGKILL");
    await start(leader).line<Logged>("stderr", ({ event }) => event === "listening");
    // Whoever leads now knows them, too; the command waits for it.
    const after = await quorumguard<{ version: number }>(0, "policy", "get");
    expect(after.version).toBe(3);
    expect(await guard.allow("user:2", "login")).toMatchObject({ allowed: false, reason: "banned" });
    expect(await quorumguard(0, "ban", "lift", "user:2", "--policy", "login")).toMatchObject({
      version: 4,
      changed: 1,
    });
    expect(await quorumguard(0, "ban", "list")).toMatchObject({ total: 0, bans: [] });
    const again = await run("ban", "lift", "user:2", "--policy", "login");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("there is none");
    const metrics = await (await fetch(`http://${at(follower, 1)}/metrics`)).text();
    expect(metrics).toMatch(/quorumguard_policy_decisions_total\{namespace="",policy="login",outcome="denied"\} [1-9]/);
  });

  it("K3 of limit 0 deny at once, and everybody is told that the limit is 0", { timeout: 120_000 }, async () => {
    const [, follower] = await leaderAndFollower();
    await quorumguard(0, "policy", "put", await file("policies:\n  - { name: login, limit: 0, window: 1h }\n"));
    const denied = { allowed: false, reason: "limited", limit: 0, remaining: 0, retryAfterMs: null };
    // The SDK's own limit for this name is 1.
    for (let i = 0; i < 2; i++) expect(await guard.allow("user:3", "login")).toMatchObject(denied);
    for (const rule of [{ policy: "login" }, { policy: "login", limit: 5, windowUs: "60000000" }]) {
      const { decision } = await call<Answer>(follower, "GuardService/Allow", { check: { key: "user:3", rule } });
      expect(decision).toMatchObject({ outcome: "OUTCOME_LIMITED", limit: 0, remaining: 0 });
      expect(decision).not.toHaveProperty("retryAfterMs");
    }
    const told = await quorumguard(0, "explain", "user:3", "--policy", "login");
    expect(told).toMatchObject({ source: "policy", rule: { limit: 0 }, used: 0, available: 0, nextFreeMs: null });
  });

  it("follow a file on the nodes, whatever happens to it", { timeout: 120_000 }, async () => {
    const { version: before } = await quorumguard<{ version: number }>(0, "policy", "get");
    const watched = new CommandProcess([
      "policy",
      "watch",
      await file(policies(4)),
      "--endpoints",
      endpoints(),
      "--json",
    ]);
    await watched.line<Watched>("stdout", ({ version }) => version === before + 1);
    await file("policies: [");
    const { text } = await watched.line<Watched>("stdout", ({ kind }) => kind === "failed");
    expect(text).toMatch(/policies\.yaml:\d+:\d+: .*; what is in force stays$/);
    await file(policies(5));
    await watched.line<Watched>("stdout", ({ version }) => version === before + 2);
    expect(await watched.signal("SIGINT")).toMatchObject({ status: 0 });

    await Promise.all([...nodes.values()].map((node) => node.signal("SIGTERM")));
    const name = await file(policies(6));
    const restarted = [1, 2, 3].map((nodeId) => start(nodeId, "--policies", name));
    const applied = (version: number) =>
      Promise.any(
        restarted.map((node) =>
          node.line<Logged>("stderr", (line) => line.event === "policies-applied" && line.version === version),
        ),
      );
    await applied(before + 3);
    await file(policies(8));
    await applied(before + 4);
    expect(await guard.allow("user:new", "login")).toMatchObject({ limit: 8 });
  });
});
