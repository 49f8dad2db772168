import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { cleanEnvironment, foldersOf, resolveCommand, workspacePatterns } from "./bootstrap.mjs";
import { inRepository } from "./repository.ts";

describe("the environment of what the bootstrap starts", () => {
  it("leaves npm's own settings out, and keeps the way to the registry", () => {
    const clean = cleanEnvironment({
      PATH: "/bin",
      HOME: "/home/a",
      CI: "true",
      npm_config_registry: "https://registry.example",
      npm_config_user_agent: "npm/11",
      npm_config_noproxy: "",
      npm_lifecycle_event: "test",
      npm_package_json: "/a/package.json",
      NODE_ENV: "production",
      INIT_CWD: "/a",
    });
    expect(clean).toMatchObject({
      PATH: "/bin",
      HOME: "/home/a",
      CI: "true",
      npm_config_registry: "https://registry.example",
    });
    for (const name of [
      "npm_config_user_agent",
      "npm_config_noproxy",
      "npm_lifecycle_event",
      "npm_package_json",
      "NODE_ENV",
      "INIT_CWD",
    ]) {
      expect(clean).not.toHaveProperty(name);
    }
  });

  it("puts the workspace's commands first", () => {
    expect(cleanEnvironment({ PATH: "/bin" }, ["/clone/node_modules/.bin"]).PATH).toBe(
      ["/clone/node_modules/.bin", "/bin"].join(path.delimiter),
    );
  });
});

it("the workspace is what pnpm takes it for", () => {
  const [, list = ""] = /^packages:\n((?: +- .*\n)+)/m.exec(
    fs.readFileSync(inRepository("pnpm-workspace.yaml"), "utf8"),
  )!;
  expect(list.trim().split(/\s*- /).filter(Boolean)).toEqual(workspacePatterns);
});

it("packages are checked against the Node that runs them", () => {
  const [, version] = /^nodeVersion: (.*)$/m.exec(fs.readFileSync(inRepository("pnpm-workspace.yaml"), "utf8"))!;
  const { devDependencies } = JSON.parse(fs.readFileSync(inRepository("package.json"), "utf8"));
  expect(version).toBe(devDependencies.node);
});

it("a part of the workspace is the named packages and all that they depend on, no more", () => {
  const manifests: Record<string, unknown> = {
    "": { name: "root", devDependencies: { vitest: "1", "@x/tools": "workspace:*" } },
    "packages/tools": { name: "@x/tools" },
    "packages/app": { name: "@x/app", dependencies: { "@x/core": "workspace:*" } },
    "packages/core": { name: "@x/core", devDependencies: { "@x/tools": "workspace:*" } },
    docs: { name: "@x/docs", dependencies: { "@x/app": "workspace:*" } },
  };
  const folders = Object.keys(manifests).filter((folder) => folder !== "");
  const manifestOf = (folder: string) => manifests[folder];
  expect(foldersOf(folders, ["@x/app"], manifestOf)).toEqual(["packages/app", "packages/core", "packages/tools"]);
  expect(foldersOf(folders, ["root"], manifestOf)).toEqual(["", "packages/tools"]);
});

describe("names", () => {
  it("that are not in the table are scripts of that name", () => {
    expect(resolveCommand("some-script", () => true)).toMatchObject({ file: "scripts/some-script.ts" });
    expect(resolveCommand("start", () => true)).toMatchObject({ file: "scripts/demo/main.ts", build: true });
  });

  it.each(["../evil", "Start", "", "a b", "constructor", "--help"])("%j is refused with a reason", (name) => {
    expect(() => resolveCommand(name, () => false)).toThrow(/kebab-case|does not exist/);
  });

  it("of all root scripts exist in the table or as a file", () => {
    const { scripts } = JSON.parse(fs.readFileSync(inRepository("package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [name, script] of Object.entries(scripts)) {
      expect(script.replace(/^node scripts\/bootstrap\.mjs ?/, "") || "bootstrap").toBe(name);
    }
  });
});

/** A clone whose `npx` only notes that it ran, so that what the bootstrap does around it can be watched. */
function fakeClone(npx: string): { readonly root: string; readonly environment: NodeJS.ProcessEnv } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-bootstrap-"));
  clones.push(root);
  const write = (file: string, text: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text, { mode });
  };
  write("scripts/bootstrap.mjs", fs.readFileSync(inRepository("scripts", "bootstrap.mjs"), "utf8"));
  write("scripts/hello.ts", "console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;");
  write(
    "scripts/wait.ts",
    'process.on("SIGTERM", () => process.exit(9)); console.log("waiting"); setInterval(() => {}, 1000);',
  );
  const version = process.versions.node;
  write("package.json", JSON.stringify({ packageManager: "pnpm@1.2.3", devDependencies: { node: version } }));
  const inputs = [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "turbo.json",
    "tsconfig.base.json",
    "scripts/bundle-command.ts",
  ];
  for (const file of inputs) write(file, "");
  const installed = [
    "mkdir -p node_modules/.bin node_modules/node/bin",
    "touch node_modules/.modules.yaml node_modules/.bin/tsc",
    `ln -sf ${process.execPath} node_modules/node/bin/node`,
  ];
  write("bin/npx", ["#!/bin/sh", "set -e", 'echo "$@" >> npx.log', npx, ...installed].join("\n"), 0o755);
  return { root, environment: { ...process.env, PATH: `${path.join(root, "bin")}:${process.env.PATH}` } };
}

const clones: string[] = [];
afterEach(() => {
  for (const root of clones.splice(0)) fs.rmSync(root, { recursive: true, force: true });
});

describe("the bootstrap", () => {
  it("installs once, keeps stdout for the script and hands its flags and exit status through", () => {
    const { root, environment } = fakeClone("echo noise; echo noise >&2");
    for (const _ of [1, 2]) {
      const run = spawnSync(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), "hello", "--once", "a b"], {
        env: environment,
        encoding: "utf8",
      });
      expect(run.stdout).toBe('["--once","a b"]\n');
      expect(run.status).toBe(7);
    }
    const log = fs.readFileSync(path.join(root, "npx.log"), "utf8").trim().split("\n");
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^--yes pnpm@1\.2\.3 install --frozen-lockfile /);
  });

  it("installs again when the lockfile changed or node_modules is gone", () => {
    const { root, environment } = fakeClone("");
    const run = () =>
      spawnSync(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), "hello"], { env: environment });
    run();
    fs.writeFileSync(path.join(root, "pnpm-lock.yaml"), "changed");
    run();
    fs.rmSync(path.join(root, "node_modules"), { recursive: true });
    run();
    expect(fs.readFileSync(path.join(root, "npx.log"), "utf8").trim().split("\n")).toHaveLength(3);
  });

  it("installs a part for a command that needs no more, and lets a whole installation serve it as well", () => {
    const { root, environment } = fakeClone("mkdir -p packages/cluster/node_modules packages/cluster/dist");
    fs.mkdirSync(path.join(root, "packages/cluster/src/cli"), { recursive: true });
    fs.writeFileSync(path.join(root, "packages/cluster/src/cli/main.ts"), "process.exitCode = 6;");
    const manifest = { name: "@quorumguard/cluster", scripts: { build: "tsc" }, dependencies: { pino: "1" } };
    fs.writeFileSync(path.join(root, "packages/cluster/package.json"), JSON.stringify(manifest));
    const run = (name: string) =>
      spawnSync(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), name], { env: environment }).status;
    expect([run("quorumguard"), run("quorumguard"), run("build"), run("quorumguard")]).toEqual([6, 6, 0, 6]);
    const calls = fs.readFileSync(path.join(root, "npx.log"), "utf8").trim().split("\n");
    expect(calls).toHaveLength(4);
    expect(calls[0]).toMatch(/--filter @quorumguard\/cluster\.\.\. .*install/);
    expect(calls[1]).toMatch(/turbo run build .*--filter=@quorumguard\/cluster$/);
    expect(calls[2]).not.toContain("--filter");
    expect(calls[3]).toMatch(/turbo run build/);
  });

  it("builds again when a source changed of which something is built, and not for another", () => {
    const { root, environment } = fakeClone("mkdir -p packages/limiter/dist");
    const limiter = { name: "@quorumguard/limiter", scripts: { build: "tsc" } };
    for (const [folder, manifest] of Object.entries({ "packages/limiter": limiter, docs: { name: "docs" } })) {
      fs.mkdirSync(path.join(root, folder, "src"), { recursive: true });
      fs.writeFileSync(path.join(root, folder, "package.json"), JSON.stringify(manifest));
    }
    const buildsAfter = (changed: string) => {
      fs.writeFileSync(path.join(root, changed), "changed");
      spawnSync(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), "bootstrap"], { env: environment });
      return fs.readFileSync(path.join(root, "npx.log"), "utf8").match(/turbo run build/g)?.length;
    };
    const changes = ["packages/limiter/src/one.ts", "docs/src/page.md", "packages/limiter/src/two.ts"];
    expect(changes.map(buildsAfter)).toEqual([1, 1, 2]);
  });

  it("stops with a reason when the installation fails, or brings another Node than the pinned one", () => {
    const broken = fakeClone("exit 5");
    const failed = spawnSync(process.execPath, [path.join(broken.root, "scripts/bootstrap.mjs"), "hello"], {
      env: broken.environment,
      encoding: "utf8",
    });
    expect(failed).toMatchObject({ status: 1, stdout: "" });
    expect(failed.stderr).toContain("install failed (exit status 5)");
    expect(fs.existsSync(path.join(broken.root, ".bootstrap.lock"))).toBe(false);

    const other = fakeClone("");
    const manifest = path.join(other.root, "package.json");
    fs.writeFileSync(manifest, fs.readFileSync(manifest, "utf8").replace(process.versions.node, "1.0.0"));
    const refused = spawnSync(process.execPath, [path.join(other.root, "scripts/bootstrap.mjs"), "hello"], {
      env: other.environment,
      encoding: "utf8",
    });
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("pinned is v1.0.0; remove node_modules and try again");
  });

  it("lets two at once install one after the other, and breaks the lock of a dead one", async () => {
    // The second npx would find the first one's mark if both ran at once.
    const { root, environment } = fakeClone("mkdir busy || echo overlap >> overlaps; sleep 0.3; rmdir busy");
    const dead = spawnSync(process.execPath, ["-e", "console.log(process.pid)"], { encoding: "utf8" }).stdout.trim();
    fs.writeFileSync(path.join(root, ".bootstrap.lock"), JSON.stringify({ pid: Number(dead), host: os.hostname() }));
    const starts = [1, 2, 3].map(
      () =>
        new Promise((resolve) => {
          spawn(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), "hello"], {
            env: environment,
            stdio: "ignore",
          }).on("exit", resolve);
        }),
    );
    expect(await Promise.all(starts)).toEqual([7, 7, 7]);
    expect(fs.existsSync(path.join(root, "overlaps"))).toBe(false);
    expect(fs.readFileSync(path.join(root, "npx.log"), "utf8").trim().split("\n")).toHaveLength(1);
    expect(fs.readdirSync(root).filter((name) => name.startsWith(".bootstrap.lock"))).toEqual([]);
  });

  it("passes SIGTERM on and ends as the script does", async () => {
    const { root, environment } = fakeClone("");
    const child = spawn(process.execPath, [path.join(root, "scripts/bootstrap.mjs"), "wait"], {
      env: environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGTERM");
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(9);
  });
});
