import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deployFolder, inDeploy } from "../deploy-folder.ts";
import { readComposeSource, readServices } from "./compose-file.ts";

const source = readComposeSource();
const services = readServices();
const nodes = services.filter(({ built }) => built);

describe("compose.yaml", () => {
  it("has five nodes with the same founders, each listening on its own name and keeping its own data", () => {
    expect(nodes.map(({ name }) => name)).toEqual(["node1", "node2", "node3", "node4", "node5"]);
    const founders = nodes.map(({ name }, at) => `${at + 1}=${name}:7401`).join(",");
    for (const [at, { name, hostname, words, mounts }] of nodes.entries()) {
      expect(hostname).toBe(name);
      expect(words.slice(0, 6)).toEqual(["quorumguard", "node", "--id", `${at + 1}`, "--cluster", founders]);
      expect(words).toEqual(expect.arrayContaining([`${name}:7400`, `${name}:7402`]));
      expect(mounts).toEqual([{ kind: "volume", source: `${name}-data`, target: "/data", readOnly: false }]);
    }
  });

  it("publishes ports of nginx, Prometheus and Grafana only, on loopback, and keeps the nodes' network internal", () => {
    const published = services.filter(({ ports }) => ports.length > 0);
    expect(published.map(({ name }) => name)).toEqual(["nginx", "prometheus", "grafana"]);
    for (const { ports } of published) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(source.networks.nodes).toMatchObject({ internal: true });
    for (const { networks } of nodes) expect(networks).toEqual(["nodes"]);
  });

  it("publishes the ports that nginx, Prometheus and Grafana listen on", () => {
    expect(readFileSync(inDeploy("nginx", "nginx.conf"), "utf8")).toContain("include quorumguard/plain.conf;");
    const nginx = readFileSync(inDeploy("nginx", "quorumguard", "plain.conf"), "utf8");
    const listens = [...nginx.matchAll(/^\s*listen (\d+)/gm)].map(([, port]) => port);
    const inside = (name: string) =>
      services.find((service) => service.name === name)?.ports.map((port) => port.split(":")[2]);
    expect(inside("nginx")).toEqual(listens);
    expect(services.find(({ name }) => name === "prometheus")?.words.join(" ")).toContain(`:${inside("prometheus")}`);
    const grafana = source.services.grafana!;
    const port = grafana.environment?.GF_SERVER_HTTP_PORT;
    expect(inside("grafana")).toEqual([port]);
    expect(grafana.healthcheck.test.at(-1)).toBe(`http://127.0.0.1:${port}/api/health`);
  });

  it("pins every image, restarts every service, checks its health, and takes its privileges", () => {
    for (const [name, service] of Object.entries(source.services)) {
      expect(service.image, name).toMatch(/^[a-z/]+:v?\d+\.\d+\.\d+/);
      expect(service, name).toMatchObject({
        restart: "unless-stopped",
        read_only: true,
        // None of them runs in less, and together they fit into a machine of 8 GB.
        mem_limit: expect.stringMatching(/^(512m|1g)$/),
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      expect(service.healthcheck.test[0], name).toBe("CMD");
    }
    const version = JSON.parse(readFileSync(path.join(deployFolder, "package.json"), "utf8")).version as string;
    expect(source.services.node1?.image).toBe(`quorumguard:${version}`);
  });

  it("gives a node more time to stop than it takes to drain", () => {
    // The default of --drain-timeout is 5 s.
    for (const { name } of nodes) expect(source.services[name]).toMatchObject({ stop_grace_period: "15s" });
  });

  it("mounts files that exist, and names every volume and network that it uses", () => {
    const mounts = services.flatMap((service) => service.mounts);
    for (const { kind, source: file } of mounts) if (kind === "bind") expect(existsSync(file), file).toBe(true);
    const volumes = mounts.filter(({ kind }) => kind === "volume").map((mount) => mount.source);
    expect(Object.keys(source.volumes).sort()).toEqual([...new Set(volumes)].sort());
    const networks = services.flatMap((service) => service.networks);
    expect(Object.keys(source.networks).sort()).toEqual([...new Set(networks)].sort());
  });

  it("lets anybody look at Grafana and nobody log in: no user, no password, no form", () => {
    expect(source.services.grafana?.environment).toMatchObject({
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: "true",
      GF_AUTH_ANONYMOUS_ENABLED: "true",
      GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
      GF_AUTH_DISABLE_LOGIN_FORM: "true",
      GF_AUTH_BASIC_ENABLED: "false",
    });
    expect(readFileSync(inDeploy("compose.yaml"), "utf8")).not.toMatch(/ADMIN_PASSWORD|ADMIN_USER/);
  });
});

describe("the configuration that compose.yaml mounts", () => {
  it("balances over every node and scrapes every node", () => {
    const nginx = readFileSync(inDeploy("nginx", "quorumguard", "nodes.conf"), "utf8");
    const prometheus = readFileSync(inDeploy("prometheus", "prometheus.yml"), "utf8");
    const targets = parse(prometheus).scrape_configs[0].static_configs[0].targets as string[];
    expect(targets).toEqual(nodes.map(({ hostname }) => `${hostname}:7402`));
    for (const port of ["7400", "7402"]) {
      const upstreams = [...nginx.matchAll(/server (\S+):(\d+) /g)].filter(([, , at]) => at === port);
      expect(upstreams.map(([, host]) => host)).toEqual(nodes.map(({ hostname }) => hostname));
    }
  });

  it("tells Grafana where Prometheus and the dashboard are", () => {
    const read = (...parts: string[]) => parse(readFileSync(inDeploy("grafana", "provisioning", ...parts), "utf8"));
    const [datasource] = read("datasources", "prometheus.yaml").datasources;
    expect(datasource).toMatchObject({ uid: "prometheus", url: "http://prometheus:9090", editable: false });
    const interval = parse(readFileSync(inDeploy("prometheus", "prometheus.yml"), "utf8")).global.scrape_interval;
    expect([interval, datasource.jsonData.timeInterval]).toEqual(["5s", "5s"]);
    const [provider] = read("dashboards", "quorumguard.yaml").providers;
    const mount = services
      .find(({ name }) => name === "grafana")
      ?.mounts.find((one) => one.target === provider.options.path);
    expect(existsSync(path.join(mount?.source ?? "", "quorumguard.json"))).toBe(true);
  });
});
