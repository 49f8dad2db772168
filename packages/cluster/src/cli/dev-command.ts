import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devSpec } from "./commands.ts";
import { DevCluster, type DevEvent, type DevNode } from "./dev-cluster.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/** Runs a cluster until Ctrl-C; resolves with the exit status. */
export async function devCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, devSpec);
  if (flags.has("help")) {
    process.stdout.write(commandHelp(devSpec));
    return 0;
  }
  const count = flags.whole("nodes");
  if (count % 2 === 0)
    throw new UsageError(`--nodes is ${count}: it must be 1, 3 or 5; an even one survives no more failures`);
  const firstPort = flags.whole("port");
  const given = flags.text("data");
  const folder = given ?? (await mkdtemp(join(tmpdir(), "quorumguard-dev-")));
  const nodes = Array.from({ length: count }, (_, at) => devNode(at + 1, firstPort + 10 * at, folder));
  const person = new PersonView(nodes, folder);
  const cluster = new DevCluster(nodes, (event) => (flags.has("json") ? tellJson(event) : person.tell(event)));
  try {
    return await cluster.run();
  } finally {
    if (given === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function devNode(nodeId: number, port: number, folder: string): DevNode {
  const at = (offset: number) => `127.0.0.1:${port + offset}`;
  return { nodeId, grpc: at(0), peer: at(1), http: at(2), data: join(folder, String(nodeId)) };
}

function tellJson(event: DevEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** What a person at a terminal wants to see of it: each fact once, and nothing of the noise of starting and ending. */
class PersonView {
  readonly #nodes: readonly DevNode[];
  readonly #folder: string;
  #phase: "starting" | "ready" | "stopping" = "starting";
  #leadership = "";

  constructor(nodes: readonly DevNode[], folder: string) {
    this.#nodes = nodes;
    this.#folder = folder;
  }

  tell(event: DevEvent): void {
    const text = this.#sentence(event);
    if (text !== null) process.stdout.write(`${text}\n`);
  }

  #sentence(event: DevEvent): string | null {
    switch (event.event) {
      case "started":
        return `node ${event.nodeId}: process ${event.pid}`;
      case "ready":
        this.#phase = "ready";
        this.#leadership = leadership(event.leaderId, event.term);
        return readyText(event.leaderId, this.#nodes, this.#folder);
      case "leader":
        return this.#changed(leadership(event.leaderId, event.term));
      case "exited":
        return `node ${event.nodeId}: ended (${event.signal ?? `status ${event.status}`})`;
      case "log":
        return this.#loud(event.level) ? `node ${event.nodeId}: ${event.level}: ${event.text}` : null;
      case "stopping":
        this.#phase = "stopping";
        return "stopping";
    }
  }

  #changed(now: string): string | null {
    if (this.#phase !== "ready" || this.#leadership === now) return null;
    this.#leadership = now;
    return now;
  }

  /** Nodes that are not there yet, or not any more, are no news while all start or end. */
  #loud(level: string): boolean {
    return level === "error" || (level === "warn" && this.#phase === "ready");
  }
}

/** Terms without a leader follow each other quickly; they are one fact. */
function leadership(leaderId: number, term: number): string {
  return leaderId === 0 ? "no leader" : `node ${leaderId} leads (term ${term})`;
}

function readyText(leaderId: number, nodes: readonly DevNode[], folder: string): string {
  const body = '{"check":{"key":"u1","rule":{"limit":5,"windowUs":"10000000"}}}';
  const http = nodes[0]!.http;
  return [
    "",
    `  ready: node ${leaderId} leads ${nodes.length === 1 ? "alone" : `a cluster of ${nodes.length}`}; data in ${folder}`,
    `  endpoints  ${nodes.map((node) => node.grpc).join(",")}`,
    `  metrics    ${nodes.map((node) => `http://${node.http}/metrics`).join("  ")}`,
    "  try        quorumguard allow u1 5 10s",
    `             curl -s -H 'content-type: application/json' -d '${body}' http://${http}/quorumguard.v1.GuardService/Allow`,
    "",
  ].join("\n");
}
