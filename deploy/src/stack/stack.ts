import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { until } from "@quorumguard/testbed";
import { readServices } from "../compose/compose-file.ts";
import { type ServiceEnd, ServiceProcess } from "../sandbox/service-process.ts";

/** What a node says of itself on GetStatus. */
export interface NodeStatus {
  readonly name: string;
  readonly leads: boolean;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly stateHash: string;
}

/** The services of compose.yaml as processes in this network namespace, each at an address of its own. */
export class Stack {
  readonly services: ReadonlyMap<string, ServiceProcess>;
  readonly #folder: string;

  private constructor(services: ReadonlyMap<string, ServiceProcess>, folder: string) {
    this.services = services;
    this.#folder = folder;
  }

  /**
   * Prepares the namespaces and starts everything but Grafana, which Debian does not have. To be called by the first
   * process of private namespaces only: it takes loopback up and puts a file of its own over /etc/hosts.
   */
  static async start(): Promise<Stack> {
    const folder = await mkdtemp(path.join(tmpdir(), "quorumguard-stack-"));
    const run = readServices().filter(({ name }) => name !== "grafana");
    const hosts = path.join(folder, "hosts");
    const names = run.map(({ hostname }, at) => `127.0.0.${11 + at} ${hostname}\n`);
    await writeFile(hosts, `127.0.0.1 localhost\n${names.join("")}`);
    prepare(["ip", "link", "set", "lo", "up"]);
    prepare(["mount", "--bind", hosts, "/etc/hosts"]);
    const services = new Map(run.map((service) => [service.name, new ServiceProcess(service, folder)]));
    for (const service of services.values()) await service.start();
    return new Stack(services, folder);
  }

  /** The nodes. */
  get nodes(): readonly ServiceProcess[] {
    return [...this.services.values()].filter(({ service }) => service.built);
  }

  /** A service by its name. */
  service(name: string): ServiceProcess {
    const found = this.services.get(name);
    if (found === undefined) throw new Error(`compose.yaml has no service ${name}`);
    return found;
  }

  /** Waits until every node that runs is ready and one of them leads, as all say. */
  async untilFormed(): Promise<NodeStatus> {
    return until("every node ready, and one leads", 30_000, async () => {
      const running = this.nodes.filter((node) => node.running);
      const ready = await Promise.all(running.map((node) => answersOk(`${urlOf(node)}/readyz`)));
      if (!ready.every(Boolean)) return null;
      return this.leader();
    });
  }

  /** The node that leads in the highest term, or null. */
  async leader(): Promise<NodeStatus | null> {
    const running = this.nodes.filter((node) => node.running);
    const statuses = await Promise.all(running.map(statusOf));
    const leaders = statuses.filter((status): status is NodeStatus => status?.leads === true);
    return leaders.sort((a, b) => b.term - a.term)[0] ?? null;
  }

  /** Waits until every node has applied what was committed when this was called, to the same state. */
  async untilCaughtUp(): Promise<number> {
    const leader = await this.untilFormed();
    return until("every node caught up", 20_000, async () => {
      const statuses = await Promise.all(this.nodes.map(statusOf));
      const behind = statuses.some((status) => status === null || status.appliedIndex < leader.commitIndex);
      if (behind) return null;
      const hashes = new Map<number, string>();
      for (const status of statuses) {
        const { appliedIndex, stateHash } = status!;
        if ((hashes.get(appliedIndex) ?? stateHash) !== stateHash)
          throw new Error(`two states at index ${appliedIndex}`);
        hashes.set(appliedIndex, stateHash);
      }
      return leader.commitIndex;
    });
  }

  /** Stops every service by its own signal: nodes first, as behind a proxy that is about to go. */
  async stop(names: readonly string[]): Promise<Readonly<Record<string, ServiceEnd>>> {
    const ends = await Promise.all(names.map(async (name) => [name, await this.service(name).end()] as const));
    return Object.fromEntries(ends);
  }

  /** Removes what the services wrote. */
  async remove(): Promise<void> {
    prepare(["umount", "/etc/hosts"]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Where a node's HTTP listener is, within the private network. */
export function urlOf(node: ServiceProcess): string {
  return `http://${node.service.hostname}:7402`;
}

/** Decisions that the node answered, by its own metrics. */
export async function decisionsOf(node: ServiceProcess): Promise<number> {
  return metricOf(node, "quorumguard_decisions_total");
}

/** The sum of a metric's series on one node. */
export async function metricOf(node: ServiceProcess, name: string): Promise<number> {
  const response = await fetch(`${urlOf(node)}/metrics`, { signal: AbortSignal.timeout(5_000) });
  let sum = 0;
  for (const line of (await response.text()).split("\n")) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) sum += Number(line.split(" ").at(-1));
  }
  return sum;
}

async function statusOf(node: ServiceProcess): Promise<NodeStatus | null> {
  try {
    const response = await fetch(`${urlOf(node)}/quorumguard.v1.ClusterService/GetStatus`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(1_000),
    });
    const body = (await response.json()) as Readonly<Record<string, string | undefined>>;
    return {
      name: node.service.name,
      leads: body.role === "NODE_ROLE_LEADER",
      term: Number(body.term ?? 0),
      commitIndex: Number(body.commitIndex ?? 0),
      appliedIndex: Number(body.appliedIndex ?? 0),
      stateHash: body.stateHash ?? "",
    };
  } catch {
    return null;
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

function prepare(words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(words[0]!, words.slice(1), { encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${error?.message ?? stderr}`);
}
