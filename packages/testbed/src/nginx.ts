import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireProgram } from "./system-packages.ts";

/** A real nginx in front of the nodes' HTTP ports, which also serves one folder, so that a page calls its own origin. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** Any node takes any call, so a plain round robin does; a retry is safe since every call carries a request id. */
function configuration(folder: string, port: number, upstreams: readonly string[], pages: string): string {
  return `
daemon off;
${process.getuid?.() === 0 ? "# Started by root, workers would otherwise drop to a user that may not read our folders.\nuser root;" : ""}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off;
  types { text/html html; text/javascript js; }
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream quorumguard {
${upstreams.map((upstream) => `    server ${upstream} max_fails=1 fail_timeout=1s;`).join("\n")}
    keepalive 16;
  }
  server {
    listen 127.0.0.1:${port};
    root ${pages};
    location /quorumguard.v1. {
      proxy_pass http://quorumguard;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream error timeout non_idempotent;
      proxy_connect_timeout 200ms;
      client_max_body_size 1m;
    }
  }
}
`;
}

/** What an nginx listens on, and what lies behind it. */
export interface NginxOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  /** host:port of every node's HTTP listener. */
  readonly upstreams: readonly string[];
  /** Folder that is served at "/". */
  readonly pages: string;
}

/** Starts the system's nginx in the foreground, and resolves when it answers. Throws if it is not installed or ends. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const program = requireProgram("nginx");
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-nginx-"));
  await mkdir(join(folder, "body"));
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration(folder, options.port, options.upstreams, options.pages));
  const child = spawn(program, ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  let problems = "";
  child.stderr.on("data", (text) => {
    problems += text;
  });
  const failed = Promise.race([
    once(child, "exit").then(() => new Error(`nginx ended: ${problems}`)),
    once(child, "error").then(([error]) => new Error(`${program} could not be started`, { cause: error })),
  ]);
  const endChild = () => void child.kill("SIGKILL");
  process.once("exit", endChild);
  const url = `http://127.0.0.1:${options.port}`;
  const reason = await Promise.race([failed, answers(url)]);
  if (reason !== null) throw reason;
  return {
    url,
    stop: async () => {
      process.off("exit", endChild);
      child.kill("SIGTERM");
      await failed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks until the connection is no longer refused: nginx does not say when it listens. */
async function answers(url: string): Promise<null> {
  for (;;) {
    try {
      await fetch(url);
      return null;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
