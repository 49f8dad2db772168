import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { inDeploy } from "./deploy-folder.ts";

const read = (...names: string[]) => readFileSync(inDeploy(...names), "utf8");

/** What a proxy lets through at one of its ports. */
type Serves = (path: string) => boolean;

/** By the map of nginx that judges the port's calls. */
function nginxServes(map: string): Serves {
  const lines = new RegExp(`map \\$request_uri \\$${map} \\{([^}]*)\\}`).exec(
    read("nginx", "quorumguard", "maps.conf"),
  );
  // PCRE's end of the text, which JavaScript spells otherwise.
  const served = [...lines![1]!.matchAll(/"~(\S+)" 1;/g)].map(([, regex]) => new RegExp(regex!.replaceAll("\\z", "$")));
  return (path) => served.some((regex) => regex.test(path));
}

function caddyServes(port: number): Serves {
  const block = read("caddy", "Caddyfile").split(`\n:${port} {\n`)[1]!.split("\n}\n")[0]!;
  const regex = new RegExp(/@call path_regexp call (\S+)/.exec(block)![1]!);
  const paths = /@health path (.+)/.exec(block)?.[1]?.split(" ") ?? [];
  return (path) => regex.test(path) || paths.includes(path);
}

interface EnvoyRoute {
  readonly match: { readonly path?: string; readonly safe_regex?: { readonly regex: string } };
  readonly route?: object;
  readonly typed_per_filter_config?: Readonly<Record<string, object>>;
}

interface EnvoyManager {
  readonly http_filters: readonly { readonly name: string; readonly typed_config: object }[];
  readonly route_config: { readonly virtual_hosts: readonly { readonly routes: readonly EnvoyRoute[] }[] };
}

function envoyManager(listener: string): EnvoyManager {
  const { static_resources } = parse(read("envoy", "envoy.yaml"));
  const { filter_chains } = static_resources.listeners.find(({ name }: { name: string }) => name === listener);
  return filter_chains[0].filters[0].typed_config;
}

/** The first route of Envoy that fits and asks a node; an expression of its has to fit the whole path. */
function envoyRoute(listener: string, path: string): EnvoyRoute | undefined {
  return envoyManager(listener).route_config.virtual_hosts[0]!.routes.find(
    ({ match, route }) =>
      route !== undefined &&
      (match.path === path || (match.safe_regex && new RegExp(`^(?:${match.safe_regex.regex})$`).test(path))),
  );
}

const guard = (...names: string[]) => names.map((name) => `/quorumguard.v1.GuardService/${name}`);
const calls = guard("Allow", "AllowBatch", "Peek", "Reset", "Reserve", "Commit", "Cancel", "GetTerms");
const session = guard("Session");
const topology = ["/quorumguard.v1.ClusterService/GetTopology"];
const probes = ["/healthz", "/readyz"];
const health = ["/grpc.health.v1.Health/Check"];

const everywhere = [
  ...[...calls, ...session, ...topology, ...probes, ...health],
  ...[...calls, ...health].flatMap((path) => [`${path}/`, `${path}x`, `x${path}`, `/${path}`, path.toLowerCase()]),
  ...["TransferLeadership", "GetStatus", "WatchTopology", "TakeSnapshot"].map(
    (name) => `/quorumguard.v1.ClusterService/${name}`,
  ),
  "/quorumguardxv1.GuardService/Allow",
  "/quorumguard.v1.PolicyService/PutPolicies",
  "/quorumguard.v1.AdminService/LiftBan",
  "/grpc.health.v1.Health/Watch",
  "/grpc.health.v1.Health/List",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/metrics",
  "/",
];

describe.each<[string, readonly string[], Readonly<Record<string, Serves>>]>([
  [
    "for browsers",
    [...calls, ...topology, ...probes],
    {
      nginx: nginxServes("guard_http_served"),
      Caddy: caddyServes(8443),
      Envoy: (path) => envoyRoute("connect", path) !== undefined,
    },
  ],
  [
    "for gRPC",
    // No Health/Watch: it needs no token, and stays open.
    [...calls, ...session, ...health],
    {
      nginx: nginxServes("guard_grpc_served"),
      Caddy: caddyServes(8444),
      Envoy: (path) => envoyRoute("grpc", path) !== undefined,
    },
  ],
])("the port %s", (_port, served, proxies) => {
  it.each(Object.entries(proxies))("of %s lets through these calls, and nothing else", (_name, serves) => {
    expect(everywhere.filter(serves)).toEqual(served);
  });
});

describe("Envoy's port for gRPC", () => {
  const bounds = read("nginx", "quorumguard", "grpc.conf");

  it("has the bounds of nginx: streams at once, and what a call's body may hold", () => {
    const streams = Number(/http2_max_concurrent_streams (\d+);/.exec(bounds)?.[1]);
    const { http_filters, ...manager } = envoyManager("grpc");
    expect(manager).toMatchObject({ http2_protocol_options: { max_concurrent_streams: streams } });
    const kilobytes = Number(/\nclient_max_body_size (\d+)k;/.exec(bounds)?.[1]);
    expect(http_filters[0]).toMatchObject({ typed_config: { max_request_bytes: kilobytes * 1_024 } });
  });

  it("bounds every call's time, and that of a stream of the SDK not at all", () => {
    for (const path of [...calls, ...health]) {
      const { route, typed_per_filter_config } = envoyRoute("grpc", path)!;
      expect(route).toMatchObject({ timeout: "65s", max_stream_duration: { max_stream_duration: "75s" } });
      expect(typed_per_filter_config).toBeUndefined();
    }
    const { route, typed_per_filter_config } = envoyRoute("grpc", session[0]!)!;
    expect(route).toMatchObject({ timeout: "0s" });
    expect(route).not.toHaveProperty("max_stream_duration");
    expect(typed_per_filter_config).toMatchObject({ "envoy.filters.http.buffer": { disabled: true } });
    // It is the connection manager's alone, and would end both.
    expect(envoyManager("grpc")).not.toHaveProperty("request_timeout");
  });
});
