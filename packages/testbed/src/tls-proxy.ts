import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "./free-ports.ts";
import { asThisUser, runNginx } from "./run-nginx.ts";

/** The configuration that operators take; only what theirs to edit is, and where it listens, differs here. */
const configuration = fileURLToPath(new URL("../../../deploy/nginx", import.meta.url));

/** What an nginx with TLS stands before, and what it shows. */
export interface TlsProxyOptions {
  /** Such as a local cluster's. Nodes with TLS of their own have https:// URLs. */
  readonly nodes: readonly { readonly grpcEndpoint: string; readonly httpUrl: string }[];
  /** PEM, for localhost and 127.0.0.1. */
  readonly certificate: { readonly cert: Uint8Array; readonly key: Uint8Array };
  /** PEM of the authority of nodes with TLS, whose certificates name localhost. Default none. */
  readonly nodesCa?: Uint8Array;
  /** Origins whose pages may call, beside the proxy's own. Default none. */
  readonly origins?: readonly string[];
  /** What else is served, as nginx's directives in a server: `location / { root …; }`. Default: 404. */
  readonly site?: string;
  /** Of localhost, such as those of a proxy that was stopped. Default: any that are free. */
  readonly ports?: { readonly http: number; readonly grpc: number };
}

/** A real nginx with `deploy/nginx/quorumguard/tls.conf`. */
export interface TlsProxy {
  /** https://localhost:PORT, HTTP/1.1 and HTTP/2. */
  readonly url: string;
  /** https://localhost:PORT, gRPC. */
  readonly grpcEndpoint: string;
  readonly ports: { readonly http: number; readonly grpc: number };
  stop(): Promise<void>;
}

/** Starts the system's nginx with the configuration in `deploy/nginx`; resolves when it listens. Throws if it is not installed or ends. */
export async function startTlsProxy(options: TlsProxyOptions): Promise<TlsProxy> {
  const ports = options.ports ?? (await twoPorts());
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-tls-proxy-"));
  await cp(configuration, folder, { recursive: true });
  const at = (name: string) => join(folder, "quorumguard", name);
  await edit(join(folder, "nginx.conf"), [
    ["daemon off;", `daemon off; ${asThisUser}`],
    ["/tmp/", `${folder}/`],
    ["plain.conf", "tls.conf"],
  ]);
  await edit(at("tls.conf"), [
    ["listen 8443", `listen 127.0.0.1:${ports.http}`],
    ["listen 8444", `listen 127.0.0.1:${ports.grpc}`],
  ]);
  const { nodes, origins = [] } = options;
  await edit(at("nodes.conf"), [
    [/( *server \S+:7400 (.*;)\n)+/, servers(nodes.map(({ grpcEndpoint }) => grpcEndpoint))],
    [/( *server \S+:7402 (.*;)\n)+/, servers(nodes.map(({ httpUrl }) => new URL(httpUrl).host))],
  ]);
  const listed = origins.map((origin) => `"${origin}" 1;`);
  if (listed.length > 0) await edit(at("origins.conf"), [["default 0;", ["default 0;", ...listed].join("\n")]]);
  if (options.nodesCa !== undefined) await speakTls(at, options.nodesCa);
  if (options.site !== undefined) await writeFile(at("site.conf"), options.site);
  await writeFile(at("certificate.pem"), options.certificate.cert);
  await writeFile(at("certificate.key"), options.certificate.key);
  const stop = await runNginx(folder, ports.http);
  return { url: `https://localhost:${ports.http}`, grpcEndpoint: `https://localhost:${ports.grpc}`, ports, stop };
}

/** Lines for an upstream, with the parameters that stood there. */
function servers(addresses: readonly string[]): string {
  return addresses.map((address) => `server ${address} $2\n`).join("");
}

/** To nodes with certificates, as nodes.conf says. */
async function speakTls(at: (name: string) => string, nodesCa: Uint8Array): Promise<void> {
  await writeFile(at("nodes-ca.pem"), nodesCa);
  await edit(at("nodes.conf"), [
    ["grpc://", "grpcs://"],
    ["http://", "https://"],
  ]);
  const verify = (module: string) =>
    `${module}_ssl_verify on; ${module}_ssl_trusted_certificate quorumguard/nodes-ca.pem; ${module}_ssl_name localhost;`;
  await edit(at("tls.conf"), [
    ["include quorumguard/connect.conf;", `include quorumguard/connect.conf; ${verify("proxy")}`],
    ["include quorumguard/grpc.conf;", `include quorumguard/grpc.conf; ${verify("grpc")}`],
  ]);
}

/** Replaces every occurrence; throws if there is none, since the configuration has then changed under us. */
async function edit(file: string, replacements: readonly (readonly [string | RegExp, string])[]): Promise<void> {
  let text = await readFile(file, "utf8");
  for (const [from, to] of replacements) {
    const edited = typeof from === "string" ? text.replaceAll(from, () => to) : text.replace(from, to);
    if (edited === text) throw new Error(`${file} has no ${from}`);
    text = edited;
  }
  await writeFile(file, text);
}

async function twoPorts(): Promise<{ readonly http: number; readonly grpc: number }> {
  const [http = 0, grpc = 0] = await freePorts(2);
  return { http, grpc };
}
