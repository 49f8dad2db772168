import { dirname, join } from "node:path";
import type { DevEvent, DevNode } from "./dev-cluster.ts";

/** How the command was started, so that what is shown can be pasted as it is. */
export function ownCommand(environment: Readonly<Record<string, string | undefined>>): string {
  if (environment.npm_lifecycle_event === "quorumguard") return "npm run -s quorumguard --";
  return environment.npm_command === "exec" ? "npx quorumguard" : "quorumguard";
}

/** What a development cluster shows besides its events. */
export interface DevViewOptions {
  readonly nodes: readonly DevNode[];
  readonly folder: string;
  /** The folder goes when the cluster does. */
  readonly temporary: boolean;
  /** What to type in place of `quorumguard`. */
  readonly command: string;
  /** Where the keys of tokens are, and whom tokens must be for; null: nodes ask for none. */
  readonly tokens: { readonly keys: string; readonly audience: string | undefined } | null;
}

/** What a person at a terminal wants to see of it: each fact once, what to try next, and nothing of the noise of starting and ending. */
export class DevView {
  readonly #options: DevViewOptions;
  readonly #processes = new Map<number, number>();
  #phase: "starting" | "ready" | "stopping" = "starting";
  #leadership = "";

  constructor(options: DevViewOptions) {
    this.#options = options;
  }

  /** The text for an event, or null if it is no news. */
  show(event: DevEvent): string | null {
    switch (event.event) {
      case "started":
        this.#processes.set(event.nodeId, event.pid);
        return this.#processes.size === 1 ? `starting ${this.#options.nodes.length} nodes` : null;
      case "ready":
        this.#phase = "ready";
        this.#leadership = leadership(event.leaderId, event.term);
        return this.#readyText(event.leaderId, event.term);
      case "leader":
        return this.#changed(event.leaderId, event.term);
      case "exited":
        this.#processes.delete(event.nodeId);
        return this.#exited(event.nodeId, event.signal ?? `status ${event.status}`);
      case "log":
        return this.#loud(event.level, event.text) ? `node ${event.nodeId}: ${event.level}: ${event.text}` : null;
      case "stopping":
        this.#phase = "stopping";
        return "stopping";
    }
  }

  #changed(leaderId: number, term: number): string | null {
    const now = leadership(leaderId, term);
    if (this.#phase !== "ready" || this.#leadership === now) return null;
    this.#leadership = now;
    const process = this.#processes.get(leaderId);
    return process === undefined ? now : `${now}: process ${process}`;
  }

  #exited(nodeId: number, how: string): string {
    const ended = `node ${nodeId}: ended (${how})`;
    if (this.#phase !== "ready") return ended;
    const all = this.#options.nodes.length;
    const quorum = Math.floor(all / 2) + 1;
    const left = `${ended}; ${this.#processes.size} of ${all} run`;
    return this.#processes.size < quorum ? `${left}, and nothing is decided with fewer than ${quorum}` : left;
  }

  /** Nodes that are not there yet, or not any more, are no news: that they ended is told by who started them. */
  #loud(level: string, text: string): boolean {
    if (level === "error") return true;
    return level === "warn" && this.#phase === "ready" && !text.startsWith("peer-unreachable ");
  }

  #readyText(leaderId: number, term: number): string {
    const { nodes, folder, temporary, command, tokens } = this.#options;
    const body = '{"check":{"key":"user:1","rule":{"limit":5,"windowUs":"10000000"}}}';
    const http = `http://${nodes[0]!.http}`;
    const bearer = tokens === null ? "" : `-H "authorization: Bearer $QUORUMGUARD_TOKEN" `;
    const rows = nodes.map(({ nodeId, grpc, http: own }) => {
      const role = nodeId === leaderId ? "leads" : "follows";
      return [String(nodeId), String(this.#processes.get(nodeId) ?? "–"), role, grpc, `http://${own}`];
    });
    const tries: (readonly [command: string, what: string])[] = [
      [`${command} allow user:1 5 10s`, "at most 5 in any 10 seconds for user:1"],
      [`${command} status`, "what every node says of itself"],
      [`curl -s ${http}/metrics`, "what Prometheus reads"],
    ];
    // Who leads alone has nobody to take over.
    if (nodes.length > 1)
      tries.push([
        `kill -9 ${this.#processes.get(leaderId)}`,
        "kill the leader; another takes over and no count is lost",
      ]);
    tries.push([
      `curl -s ${bearer}-H 'content-type: application/json' -d '${body}' ${http}/quorumguard.v1.GuardService/Allow`,
      "the same without an SDK",
    ]);
    return [
      "",
      ...table([["node", "process", "role", "gRPC", "HTTP"], ...rows]),
      "",
      `  node ${leaderId} leads (term ${term}); data in ${folder}${temporary ? ", removed at the end" : ""}`,
      "",
      "  Try, in another terminal:",
      "",
      `    export QUORUMGUARD_ENDPOINTS=${nodes.map((node) => node.grpc).join(",")}`,
      ...(tokens === null ? [] : [`    export QUORUMGUARD_TOKEN=$(${newToken(command, tokens)})`]),
      // No comment beside a command: zsh, as it comes, takes none from what is typed.
      ...tries.flatMap(([line, what]) => ["", `  ${what}:`, `    ${line}`]),
      "",
      "  Ctrl-C ends all.",
      "",
    ].join("\n");
  }
}

/** Makes a token that is good for all that is proposed, with the key that `token-key new` writes beside the set. */
function newToken(command: string, { keys, audience }: NonNullable<DevViewOptions["tokens"]>): string {
  const key = join(dirname(keys), "token-key.json");
  const shownAudience = audience === undefined ? "" : ` --token-audience ${inShell(audience)}`;
  return `${command} token new --key ${inShell(key)} --operations check,inline-limits,admin${shownAudience}`;
}

function inShell(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Terms without a leader follow each other quickly; they are one fact. */
function leadership(leaderId: number, term: number): string {
  return leaderId === 0 ? "no leader" : `node ${leaderId} leads (term ${term})`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ")}`.trimEnd());
}
