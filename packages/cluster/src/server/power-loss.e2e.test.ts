import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createGuard, type Guard } from "@quorumguard/sdk-node";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, expect, test } from "vitest";

const fixture = fileURLToPath(new URL("./forgetful-node.fixture.ts", import.meta.url));
const nodeIds = [1, 2, 3];
/** Longer than the test: every charge of an account stays countable. */
const account = { limit: 1_000_000, window: "1h" } as const;
const accounts = ["account-a", "account-b", "account-c"];

/** Three nodes whose disks forget, on fixed ports, so that they find one another again. */
class ForgetfulCluster {
  #children: ChildProcess[] = [];
  readonly #folder: string;
  readonly #ports: readonly number[];

  constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.#ports = ports;
  }

  get endpoints(): string[] {
    return nodeIds.map((nodeId) => `127.0.0.1:${this.#port(nodeId, 0)}`);
  }

  #port(nodeId: number, listener: number): number {
    return this.#ports[(nodeId - 1) * 3 + listener]!;
  }

  async powerOn(): Promise<void> {
    await Promise.all(nodeIds.map((nodeId) => this.#start(nodeId)));
  }

  async #start(nodeId: number): Promise<void> {
    const at = (listener: number) => ({ host: "127.0.0.1", port: this.#port(nodeId, listener) });
    const options = {
      root: join(this.#folder, String(nodeId)),
      nodeId,
      cluster: nodeIds.map((id) => ({ nodeId: id, host: "127.0.0.1", port: this.#port(id, 2) })),
      grpc: at(0),
      http: at(1),
      processMetrics: false,
      // Small, so that power also fails while snapshots are written and segments change.
      node: { snapshotLogBytes: 256 * 1024 },
    };
    const child = spawn(process.execPath, ["--conditions=quorumguard-source", fixture, JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout });
    const died = once(child, "exit").then(([code]) => {
      throw new Error(`node ${nodeId} ended with ${code} before it listened`);
    });
    died.catch(() => {});
    await Promise.race([once(lines, "line"), died]);
  }

  /** All three lose power in the same moment. */
  async powerOff(): Promise<void> {
    const gone = this.#children
      .filter((child) => child.exitCode === null && child.signalCode === null)
      .map((child) => once(child, "exit"));
    for (const child of this.#children) child.kill("SIGKILL");
    this.#children = [];
    await Promise.all(gone);
  }
}

let cluster: ForgetfulCluster | undefined;
let folder: string | undefined;

afterEach(async () => {
  await cluster?.powerOff();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Callers on all accounts until told to stop; calls that nobody could answer are no acknowledgements. */
function load(guard: Guard, acknowledged: Map<string, number>) {
  let running = true;
  let total = 0;
  let wake = () => {};
  let wanted = 0;
  const callers = Array.from({ length: 96 }, async (_, i) => {
    const key = accounts[i % accounts.length]!;
    while (running) {
      const decision = await guard.allow(key, account.limit, account.window).catch(() => null);
      if (decision?.allowed !== true) continue;
      acknowledged.set(key, (acknowledged.get(key) ?? 0) + 1);
      total++;
      if (total >= wanted) wake();
    }
  });
  return {
    /** Resolves once so many more admissions were acknowledged. */
    acknowledge: (more: number) =>
      new Promise<void>((resolve) => {
        wanted = total + more;
        wake = resolve;
      }),
    stop: async () => {
      running = false;
      await Promise.all(callers);
    },
  };
}

test("P5: every decision acknowledged before all nodes lose power at once still counts afterwards", async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-power-"));
  cluster = new ForgetfulCluster(folder, await freePorts(9));
  await cluster.powerOn();
  const acknowledged = new Map<string, number>();
  for (let outage = 0; outage < 3; outage++) {
    const guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "throw", timeoutMs: 2_000 });
    await guard.ready({ timeoutMs: 60_000 });
    const traffic = load(guard, acknowledged);
    await traffic.acknowledge(3_000);
    await cluster.powerOff();
    await traffic.stop();
    await guard.close();
    await cluster.powerOn();
  }
  const guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "throw", timeoutMs: 60_000 });
  await guard.ready({ timeoutMs: 60_000 });
  for (const key of accounts) {
    const { remaining } = await guard.peek({ key, ...account });
    // What was in flight may count as well; what was acknowledged must.
    expect(account.limit - remaining!, key).toBeGreaterThanOrEqual(acknowledged.get(key)!);
  }
  await guard.close();
}, 300_000);
