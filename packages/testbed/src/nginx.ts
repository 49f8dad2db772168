import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asThisUser, runNginx } from "./run-nginx.ts";

/** A real nginx in front of the nodes' HTTP ports, which also serves one folder, so that a page calls its own origin. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** Any node takes any call, so a plain round robin does; a retry is safe since every call carries a request id. */
function configuration(folder: string, port: number, upstreams: readonly string[], pages: string): string {
  return `
daemon off;
${asThisUser}
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
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-nginx-"));
  await mkdir(join(folder, "body"));
  await writeFile(join(folder, "nginx.conf"), configuration(folder, options.port, options.upstreams, options.pages));
  const stop = await runNginx(folder, options.port);
  return { url: `http://127.0.0.1:${options.port}`, stop };
}
