import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, requireProgram } from "@quorumguard/testbed";
import { vi } from "vitest";

/** A real nginx in front of nodes: one port for gRPC, one for HTTP. */
export interface GrpcProxy {
  /** host:port for gRPC, in plain text. */
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  stop(): Promise<void>;
}

/**
 * As short as an operator would write it, with nginx's own pages when no node answers. `max_fails=0`: nginx takes a node
 * for healed only when a request to it has ended, which streams do not, and would call living nodes dead for seconds.
 */
function configuration(
  folder: string,
  [grpcPort, httpPort]: readonly [number, number],
  grpc: readonly string[],
  http: readonly string[],
): string {
  const servers = (list: readonly string[]) => list.map((each) => `server ${each} max_fails=0;`).join(" ");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  upstream grpc_nodes { ${servers(grpc)} keepalive 16; }
  upstream http_nodes { ${servers(http)} keepalive 16; }
  server {
    listen 127.0.0.1:${grpcPort} http2;
    client_max_body_size 0;
    location / {
      grpc_pass grpc://grpc_nodes;
      grpc_connect_timeout 500ms;
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
    }
  }
  server {
    listen 127.0.0.1:${httpPort};
    location / {
      proxy_pass http://http_nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 500ms;
    }
  }
}
`;
}

/** Starts the system's nginx, and resolves when it listens. Throws if it is not installed or ends. */
export async function startGrpcProxy(grpc: readonly string[], http: readonly string[]): Promise<GrpcProxy> {
  const program = requireProgram("nginx");
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-proxy-"));
  const [grpcPort = 0, httpPort = 0] = await freePorts(2);
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration(folder, [grpcPort, httpPort], grpc, http));
  const child = spawn(program, ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  let problems = "";
  child.stderr.on("data", (text) => {
    problems += text;
  });
  const ended = once(child, "exit");
  const endChild = () => void child.kill("SIGKILL");
  process.once("exit", endChild);
  const reason = await Promise.race([ended.then(() => problems), listens(grpcPort)]);
  if (reason !== null) throw new Error(`nginx ended: ${reason}`);
  return {
    grpcEndpoint: `127.0.0.1:${grpcPort}`,
    httpUrl: `http://127.0.0.1:${httpPort}`,
    async stop() {
      process.off("exit", endChild);
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Tries until a connection is no longer refused: nginx does not say when it listens. */
async function listens(port: number): Promise<null> {
  await vi.waitFor(
    async () => {
      const socket = net.connect(port, "127.0.0.1");
      await once(socket, "connect").finally(() => socket.destroy());
    },
    { timeout: 120_000, interval: 20 },
  );
  return null;
}
