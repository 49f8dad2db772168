import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { readPublished } from "./published-package.ts";
import { runProgram } from "./run-program.ts";
import { inWorkspace } from "./workbench.ts";

const published = readPublished(inject("workbench").unpacked).map(({ name }) => name);
const changesets = inWorkspace("node_modules", "@changesets", "cli", "bin.js");
const timeout = 120_000;

/** The workspace without its sources, under a history of its own, so that what is tried here changes nothing there. */
const copy = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "quorumguard-release-")));

beforeAll(async () => {
  const manifests = fs.globSync("{,packages/*/,examples/*/,bench/,deploy/,docs/}package.json", { cwd: inWorkspace() });
  for (const file of [...manifests, "pnpm-workspace.yaml", "pnpm-lock.yaml", ".changeset/config.json"]) {
    fs.mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    fs.copyFileSync(inWorkspace(file), path.join(copy, file));
  }
  fs.symlinkSync(inWorkspace("node_modules"), path.join(copy, "node_modules"), "junction");
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  await succeed("git", ["init", "--quiet", "--initial-branch=main"]);
  await succeed("git", ["add", "package.json", "packages"]);
  await succeed("git", [...identity, "commit", "--quiet", "--no-verify", "-m", "a start"]);
});
afterAll(() => fs.rmSync(copy, { recursive: true, force: true }));

async function succeed(command: string, flags: readonly string[], cwd = copy): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, flags, { cwd, timeoutMs: 90_000 });
  expect(status, `${command} ${flags.join(" ")}\n${stderr}${stdout}`).toBe(0);
  return stdout;
}

function versions(): ReadonlyMap<string, string> {
  const files = fs.globSync("packages/*/package.json", { cwd: copy });
  return new Map(
    files
      .map((file) => JSON.parse(fs.readFileSync(path.join(copy, file), "utf8")))
      .filter((manifest) => manifest.private !== true)
      .map(({ name, version }) => [name, version]),
  );
}

it("the README names exactly the packages that are published", () => {
  const section = /^## Packages\n+((?:\|.*\n)+)/m.exec(fs.readFileSync(inWorkspace("README.md"), "utf8"))?.[1] ?? "";
  const named = [...section.matchAll(/^\| \[?`(@quorumguard\/[a-z-]+)`/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual(published);
});

it("publishing would publish exactly these", { timeout }, async () => {
  const { packageManager } = JSON.parse(fs.readFileSync(inWorkspace("package.json"), "utf8"));
  const flags = ["--yes", packageManager.split("+")[0], "-r", "publish", "--dry-run", "--no-git-checks", "--json"];
  const stdout = await succeed("npx", flags, inWorkspace());
  const would = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as { name: string }[];
  expect(would.map(({ name }) => name).sort()).toEqual(published);
});

it("a change of one package moves all to one version, and no private one is left behind", { timeout }, async () => {
  const [[, before] = ["", ""]] = versions();
  fs.writeFileSync(
    path.join(copy, ".changeset", "a-change.md"),
    `---\n"@quorumguard/sdk-node": minor\n---\n\nA change.\n`,
  );
  await succeed(process.execPath, [changesets, "status", "--output", "status.json"]);
  const { releases } = JSON.parse(fs.readFileSync(path.join(copy, "status.json"), "utf8")) as {
    releases: { name: string; oldVersion: string; newVersion: string }[];
  };
  const moved = releases.filter(({ oldVersion, newVersion }) => oldVersion !== newVersion);
  expect(moved.map(({ name }) => name)).toEqual(expect.arrayContaining([...published]));
  expect(new Set(moved.map(({ newVersion }) => newVersion)).size).toBe(1);

  await succeed(process.execPath, [changesets, "version"]);
  const after = new Set(versions().values());
  expect([...after]).toEqual([moved[0]!.newVersion]);
  expect(after).not.toContain(before);
  expect(versions().size).toBe(published.length);
});
