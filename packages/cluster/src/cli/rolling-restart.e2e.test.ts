import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandProcess } from "./node-process.fixture.ts";

interface Topology {
  readonly event: string;
  readonly leaderId: number;
  readonly term: number;
}

let folder: string;
let ports: readonly number[];
let nodes: Map<number, CommandProcess>;
let traffic: Traffic | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-e2e-"));
  ports = await freePorts(9);
  nodes = new Map();
  await Promise.all([1, 2, 3].map(start));
  traffic = new Traffic([1, 2, 3].map((nodeId) => `127.0.0.1:${portOf(nodeId, 0)}`));
}, 120_000);

afterEach(async () => {
  await traffic?.end();
  traffic = undefined;
  await Promise.all([...nodes.values()].map((node) => node.signal("SIGKILL")));
  await rm(folder, { recursive: true, force: true });
});

const portOf = (nodeId: number, listener: number) => ports[(nodeId - 1) * 3 + listener]!;
const knowsLeader = (node: CommandProcess, above: number) =>
  node.line<Topology>("stderr", ({ event, leaderId, term }) => event === "topology" && leaderId !== 0 && term > above);

/** Resolves once the node knows who leads. */
async function start(nodeId: number): Promise<Topology> {
  const at = (listener: number) => `127.0.0.1:${portOf(nodeId, listener)}`;
  const cluster = [1, 2, 3].map((each) => `${each}=127.0.0.1:${portOf(each, 2)}`).join(",");
  const flags = ["--id", String(nodeId), "--cluster", cluster, "--data", join(folder, String(nodeId))];
  const node = new CommandProcess(["node", ...flags, "--grpc", at(0), "--http", at(1)]);
  nodes.set(nodeId, node);
  return knowsLeader(node, 0);
}

const limit = 1_000;
const keys = Array.from({ length: 8 }, (_, at) => `shared-${at}`);

/** Callers that never pause, over a few keys beyond their limits, and what came of it. */
class Traffic {
  readonly allowed = new Map<string, number>(keys.map((key) => [key, 0]));
  decided = 0;
  degraded = 0;
  readonly failures: string[] = [];
  readonly #guard: Guard;
  readonly #callers: Promise<void>[];
  readonly #waiting = new Set<() => void>();
  #running = true;

  constructor(endpoints: readonly string[]) {
    this.#guard = createGuard({ endpoints, onUnavailable: "throw", timeoutMs: 60_000 });
    this.#callers = Array.from({ length: 32 }, (_, at) => this.#call(at));
  }

  /** Resolves once so many more calls were decided. */
  async more(calls: number): Promise<void> {
    const goal = this.decided + calls;
    while (this.decided < goal && this.failures.length === 0) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async end(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#callers);
    await this.#guard.close();
  }

  async #call(first: number): Promise<void> {
    for (let i = first; this.#running; i++) {
      const key = keys[i % keys.length]!;
      try {
        const decision = await this.#guard.allow(key, limit, "1h");
        this.decided += 1;
        if (decision.degraded) this.degraded += 1;
        if (decision.allowed) this.allowed.set(key, this.allowed.get(key)! + 1);
      } catch (error) {
        this.failures.push(String(error));
      }
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
      // A cached denial is answered without leaving this turn: without this, sockets would starve.
      await new Promise(setImmediate);
    }
  }
}

const outcome = (of: Traffic) => ({ failures: of.failures, degraded: of.degraded, allowed: [...of.allowed.values()] });
const everyLimitReached = { failures: [], degraded: 0, allowed: keys.map(() => limit) };

describe("under load", () => {
  it("a rolling restart fails no call, degrades none, and every key gets exactly its limit", {
    timeout: 120_000,
  }, async () => {
    const load = traffic!;
    await load.more(500);
    for (const nodeId of [1, 2, 3]) {
      const { status } = await nodes.get(nodeId)!.signal("SIGTERM");
      expect([nodeId, status]).toEqual([nodeId, 0]);
      await load.more(500);
      await start(nodeId);
      await load.more(500);
    }
    await load.more(limit * keys.length);
    await load.end();
    expect(outcome(load)).toEqual(everyLimitReached);
  });

  it("kill -9 of the leader fails no call, degrades none, and every key gets exactly its limit", {
    timeout: 120_000,
  }, async () => {
    const load = traffic!;
    const { leaderId, term } = await knowsLeader(nodes.get(1)!, 0);
    await load.more(500);
    await nodes.get(leaderId)!.signal("SIGKILL");
    const others = [1, 2, 3].filter((nodeId) => nodeId !== leaderId);
    const next = await Promise.all(others.map((nodeId) => knowsLeader(nodes.get(nodeId)!, term)));
    expect(next.map((topology) => topology.leaderId)).not.toContain(leaderId);
    await load.more(500);
    await start(leaderId);
    await load.more(limit * keys.length);
    await load.end();
    expect(outcome(load)).toEqual(everyLimitReached);
  });
});
