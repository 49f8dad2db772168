import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CommandProcess } from "./node-process.fixture.ts";

interface Logged {
  readonly event: string;
  readonly leaderId?: number;
}
interface Status {
  readonly healthy: boolean;
  readonly members: readonly {
    readonly appliedIndex: number;
    readonly commitIndex: number;
    readonly stateHash: string;
    readonly maxKeys: number;
    readonly holds: number;
    readonly maxHolds: number;
  }[];
}

let folder: string;
let ports: readonly number[];
const nodes = new Map<number, CommandProcess>();
const ids = [1, 2, 3];

const at = (nodeId: number, listener: number) => `127.0.0.1:${ports[(nodeId - 1) * 3 + listener]!}`;

function start(nodeId: number, ...bounds: readonly string[]): Promise<Logged> {
  const founders = ids.map((each) => `${each}=${at(each, 2)}`).join(",");
  const own = ["--id", String(nodeId), "--data", join(folder, String(nodeId)), "--cluster", founders];
  const node = new CommandProcess(["node", ...own, "--grpc", at(nodeId, 0), "--http", at(nodeId, 1), ...bounds]);
  nodes.set(nodeId, node);
  return node.line<Logged>("stderr", ({ event, leaderId = 0 }) => event === "topology" && leaderId !== 0);
}

/** What a call came to, asked as curl does: an outcome, or the code of what refused it. */
async function call(nodeId: number, method: "Allow" | "Reserve", key: string): Promise<string> {
  const response = await fetch(`http://${at(nodeId, 1)}/quorumguard.v1.GuardService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ check: { key, rule: { limit: 5, windowUs: "3600000000" } } }),
  });
  const answer = (await response.json()) as { decision?: { outcome: string }; message?: string };
  return answer.decision?.outcome ?? answer.message ?? "";
}

/** The cluster's status once every member has applied all. */
function settled(): Promise<Status> {
  return until("every member has applied all", 20_000, async () => {
    const ended = await new CommandProcess(["status", "--json", "--endpoints", at(1, 0), "--timeout", "60000"]).ended;
    if (ended.status !== 0) return null;
    const status = JSON.parse(ended.stdout) as Status;
    const committed = Math.max(...status.members.map(({ commitIndex }) => commitIndex));
    return status.members.every(({ appliedIndex }) => appliedIndex === committed) ? status : null;
  });
}

async function metric(nodeId: number, name: string): Promise<number> {
  const text = await (await fetch(`http://${at(nodeId, 1)}/metrics`)).text();
  return Number(new RegExp(`^quorumguard_${name} (.*)$`, "m").exec(text)?.[1]);
}

const metrics = (name: string) => Promise.all(ids.map((nodeId) => metric(nodeId, name)));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-bounds-"));
  ports = await freePorts(9);
  await Promise.all(ids.map((nodeId) => start(nodeId, "--max-keys", "2", "--max-holds", "1")));
}, 120_000);

afterAll(async () => {
  await Promise.all([...nodes.values()].map((node) => node.signal("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

it("K2 the bounds that nodes are started with are replicated: every node refuses, counts and tells the same", {
  timeout: 120_000,
}, async () => {
  expect(await call(1, "Allow", "a")).toBe("OUTCOME_ALLOWED");
  expect(await call(2, "Reserve", "b")).toBe("OUTCOME_ALLOWED");
  for (const nodeId of ids) expect(await call(nodeId, "Allow", `new-${nodeId}`)).toMatch(/key table is full/);
  expect(await call(3, "Reserve", "a")).toMatch(/as many holds are open/);
  const full = await settled();
  expect(new Set(full.members.map(({ stateHash }) => stateHash)).size).toBe(1);
  for (const member of full.members) expect(member).toMatchObject({ maxKeys: 2, holds: 1, maxHolds: 1 });
  expect(await metrics("keys_full_total")).toEqual([3, 3, 3]);
  expect(await metrics("holds_full_total")).toEqual([1, 1, 1]);
  expect(await metrics("max_keys")).toEqual([2, 2, 2]);

  // One restart after the other, as operators raise a bound; what is not given stays as it is.
  for (const nodeId of ids) {
    await nodes.get(nodeId)!.signal("SIGTERM");
    await start(nodeId, "--max-keys", "3");
  }
  await until("room for a third key", 20_000, async () =>
    (await call(1, "Allow", "new")) === "OUTCOME_ALLOWED" ? true : null,
  );
  expect(await call(2, "Allow", "newer")).toMatch(/key table is full/);
  for (const member of (await settled()).members) expect(member).toMatchObject({ maxKeys: 3, maxHolds: 1 });
});
