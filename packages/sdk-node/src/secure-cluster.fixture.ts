import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePorts } from "@quorumguard/testbed";
import { TestAuthority } from "../../cluster/src/server/certificates.fixture.ts";

/** The built command, as users run it. */
const command = fileURLToPath(new URL("../../cluster/dist/cli/main.js", import.meta.url));

/** Three node processes with TLS for clients and mutual TLS among themselves, each side with an authority of its own. */
export interface SecureCluster {
  /** Signed the nodes' certificates for clients, and signs clients' own. */
  readonly authority: TestAuthority;
  /** PEM file of that authority. */
  readonly caFile: string;
  /** PEM files for a client: the authority, a certificate, its key. */
  readonly clientFiles: readonly [string, string, string];
  /** gRPC, with https:// in front; in the order of node ids from 1. */
  readonly endpoints: readonly string[];
  /** HTTP ports, likewise. */
  readonly urls: readonly string[];
  /** Who leads, once all nodes that run have told of the same one. Rejects with what a node said if it ended by itself. */
  leader(): Promise<number>;
  /** SIGKILL, and waits until the process is gone. */
  kill(nodeId: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the cluster; resolves once every node knows of its leader. `mutual`: clients must show a certificate as well. */
export async function startSecureCluster({ mutual = false } = {}): Promise<SecureCluster> {
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-tls-"));
  const ports = await freePorts(9);
  const at = (nodeId: number, listener: number) => `127.0.0.1:${ports[(nodeId - 1) * 3 + listener]}`;
  const authority = new TestAuthority("clients' authority");
  const peers = new TestAuthority("peers' authority");
  const file = async (name: string, text: Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const caFile = await file("ca.pem", authority.ca);
  const client = authority.issue("service");
  const clientFiles = [caFile, await file("client.pem", client.cert), await file("client.key", client.key)] as const;
  const peerCa = await file("peer-ca.pem", peers.ca);
  const founders = [1, 2, 3].map((id) => `${id}=${at(id, 2)}`).join(",");
  const children = new Map<number, ChildProcess>();
  const heard = new LeadersHeardOf();
  for (const id of [1, 2, 3]) {
    const [own, peer] = [authority.issue(`node-${id}`), peers.issue(`node-${id}`)];
    const flags = [
      ...["node", "--id", `${id}`, "--cluster", founders, "--data", join(folder, `data-${id}`)],
      ...["--grpc", at(id, 0), "--http", at(id, 1), "--peer", at(id, 2)],
      ...["--tls-cert", await file(`${id}.pem`, own.cert), "--tls-key", await file(`${id}.key`, own.key)],
      ...["--peer-cert", await file(`peer-${id}.pem`, peer.cert), "--peer-key", await file(`peer-${id}.key`, peer.key)],
      ...["--peer-ca", peerCa, ...(mutual ? ["--tls-client-ca", caFile] : []), "--stop-with-stdin"],
    ];
    const child = spawn(process.execPath, [command, ...flags], { stdio: ["pipe", "ignore", "pipe"] });
    children.set(id, child);
    heard.listen(id, child);
  }
  const kill = async (nodeId: number): Promise<void> => {
    const child = children.get(nodeId);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    heard.forget(nodeId);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...children.keys()].map(kill));
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
  };
  await heard.agreed().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    authority,
    caFile,
    clientFiles,
    endpoints: [1, 2, 3].map((id) => `https://${at(id, 0)}`),
    urls: [1, 2, 3].map((id) => `https://${at(id, 1)}`),
    leader: () => heard.agreed(),
    kill,
    stop,
  };
}

/** What nodes log of their leader: an event, where a question would have to be asked again and again. */
class LeadersHeardOf {
  /** By node; 0: it knows of none. */
  readonly #leaders = new Map<number, number>();
  readonly #waiting = new Set<() => void>();
  #failure: Error | null = null;

  listen(nodeId: number, child: ChildProcess): void {
    let last = "";
    this.#leaders.set(nodeId, 0);
    createInterface({ input: child.stderr! }).on("line", (line) => {
      last = line;
      const leaderId = /"event":"topology"/.test(line) ? /"leaderId":(\d+)/.exec(line)?.[1] : undefined;
      if (leaderId === undefined || !this.#leaders.has(nodeId)) return;
      this.#leaders.set(nodeId, Number(leaderId));
      this.#wake();
    });
    child.on("close", (code) => {
      if (!this.#leaders.has(nodeId)) return;
      this.#failure = new Error(`node ${nodeId} ended by itself (${code}): ${last}`);
      this.#wake();
    });
  }

  /** A node that is about to be killed: what it said of its leader counts no more. */
  forget(nodeId: number): void {
    this.#leaders.delete(nodeId);
    this.#wake();
  }

  async agreed(): Promise<number> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const [leader = 0, ...others] = new Set(this.#leaders.values());
      if (others.length === 0 && this.#leaders.has(leader)) return leader;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
