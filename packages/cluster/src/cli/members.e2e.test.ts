import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fetchMembers } from "./member-client.ts";
import { CommandProcess, type Ended } from "./node-process.fixture.ts";

interface Shown {
  readonly members: readonly { readonly nodeId: number; readonly role: string }[];
}
interface Logged {
  readonly event: string;
  readonly leaderId?: number;
  readonly reason?: string;
}

let folder: string;
let ports: readonly number[];
let nodes: Map<number, CommandProcess>;
let guard: Guard | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-members-"));
  ports = await freePorts(12);
  nodes = new Map();
});

afterEach(async () => {
  await guard?.close();
  await Promise.all([...nodes.values()].map((node) => node.signal("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

const at = (nodeId: number, listener: number) => `127.0.0.1:${ports[(nodeId - 1) * 3 + listener]!}`;
const data = (nodeId: number) => join(folder, String(nodeId));

function start(nodeId: number, membership: readonly string[]): CommandProcess {
  const own = ["--id", String(nodeId), "--data", data(nodeId), "--grpc", at(nodeId, 0), "--http", at(nodeId, 1)];
  const node = new CommandProcess(["node", ...own, ...membership]);
  nodes.set(nodeId, node);
  return node;
}

const knowsLeader = (node: CommandProcess) =>
  node.line<Logged>("stderr", ({ event, leaderId = 0 }) => event === "topology" && leaderId !== 0);
const run = (...args: readonly string[]): Promise<Ended> => new CommandProcess(args).ended;

/** Runs `quorumguard member …`, which must succeed, and gives what it shows. */
async function member(...args: readonly string[]): Promise<Shown["members"]> {
  const endpoints = [1, 2].map((nodeId) => at(nodeId, 0)).join(",");
  const { status, stdout, stderr } = await run(
    "member",
    ...args,
    "--endpoints",
    endpoints,
    "--timeout",
    "60000",
    "--json",
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return (JSON.parse(stdout) as Shown).members;
}

it("a member whose disk is lost is replaced by a newcomer, and then another one may fail", {
  timeout: 120_000,
}, async () => {
  const founders = [1, 2, 3].map((nodeId) => `${nodeId}=${at(nodeId, 2)}`).join(",");
  await Promise.all([1, 2, 3].map((nodeId) => knowsLeader(start(nodeId, ["--cluster", founders]))));
  // The guard is told of the founders alone.
  guard = createGuard({
    endpoints: [1, 2, 3].map((nodeId) => at(nodeId, 0)),
    onUnavailable: "throw",
    timeoutMs: 60_000,
  });
  const learnt = new Promise<void>((resolve) => {
    guard!.on("topology", ({ endpoints }) => {
      if (endpoints.includes(at(4, 0)) && !endpoints.includes(at(3, 0))) resolve();
    });
  });
  const allow = async () => (await guard!.allow("k", 4, "1h")).allowed;
  expect([await allow(), await allow()]).toEqual([true, true]);

  await nodes.get(3)!.signal("SIGKILL");
  await rm(data(3), { recursive: true });
  const contacts = [1, 2].map((nodeId) => at(nodeId, 2)).join(",");
  const newcomer = start(4, ["--join", contacts, "--peer", at(4, 2)]);
  // It is told what to do, and the operator does it.
  const advice = `quorumguard member add 4 --peer ${at(4, 2)}`;
  await newcomer.line<Logged>(
    "stderr",
    ({ event, reason = "" }) => event === "peer-refuses" && reason.includes(advice),
  );
  await member("add", "4", "--peer", at(4, 2));
  const options = { endpoints: [1, 2].map((nodeId) => at(nodeId, 0)), ca: null, token: () => null, timeoutMs: 5_000 };
  await expect
    .poll(async () => (await fetchMembers(options)).find(({ nodeId }) => nodeId === 4n), { timeout: 120_000 })
    .toMatchObject({ voter: false, lag: 0n });
  const members = await member("replace", "3", "4");
  expect(members.map(({ nodeId, role }) => [nodeId, role])).toEqual([1, 2, 4].map((nodeId) => [nodeId, "voter"]));

  await learnt;
  const { leaderId = 0 } = await knowsLeader(newcomer);
  await nodes.get(leaderId)!.signal("SIGKILL");
  expect([await allow(), await allow(), await allow()]).toEqual([true, true, false]);
  // Whoever is removed while it runs ends by itself, and a leader hands over before that.
  const survivor = leaderId === 1 ? 2 : 1;
  await member("remove", String(leaderId));
  expect((await member("remove", String(survivor))).map(({ nodeId }) => nodeId)).toEqual([4]);
  const removed = await nodes.get(survivor)!.ended;
  expect(removed.status).toBe(0);
  expect(removed.stderr).toContain(`node ${survivor} was removed from its cluster, and stops`);
  expect(await allow()).toBe(false);

  // The lost member's machine comes back with an empty folder under its old id: it stays outside, and says why.
  const back = start(3, ["--join", at(4, 2), "--peer", at(3, 2)]);
  const { status, stderr } = await back.ended;
  expect(status).toBe(1);
  expect(stderr).toContain("ids are not reused; to have this machine join, start it with --join and --id 5 or larger");
});
