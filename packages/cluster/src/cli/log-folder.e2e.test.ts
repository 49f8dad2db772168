import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEntryWriter } from "@quorumguard/limiter";
import { EntryType } from "@quorumguard/raft";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchOf } from "../node/test-cluster.fixture.ts";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import { entriesFrom, openForTest, takeSnapshot } from "../storage/storage.fixture.ts";

const program = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const stampUs = 1_700_000_000_000_000;

function run(...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** An entry as a leader writes it. */
function entryOf(keys: readonly string[]): Uint8Array {
  const writer = createEntryWriter();
  writer.begin({ takeover: true });
  writer.register(new Uint8Array(16).fill(7), stampUs, "default");
  const batch = batchOf(keys, 10);
  writer.calls({ kind: "anonymous", namespace: "default" }, batch, 0, batch.calls);
  return writer.finish(stampUs);
}

/** Names and contents, so that any change shows. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true })).sort((a, b) =>
    `${a.parentPath}/${a.name}` < `${b.parentPath}/${b.name}` ? -1 : 1,
  )) {
    hash.update(`${entry.parentPath}/${entry.name} `);
    if (entry.isFile()) hash.update(await readFile(join(entry.parentPath, entry.name)));
  }
  return hash.digest("hex");
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-log-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Six entries in a folder: an empty one, two of calls, a configuration, garbage, and one that is not committed. */
async function usedFolder(): Promise<void> {
  const files = await openNodeFileSystem({ root: folder });
  const storage = await openForTest(files);
  const types = [EntryType.normal, EntryType.normal, EntryType.normal, EntryType.confChange] as const;
  const data = [new Uint8Array(0), entryOf(["user:1", "user:2"]), entryOf(["user:1"]), new Uint8Array(0)];
  const entries = [
    ...types.map((type, at) => ({ index: at + 1, term: 3, type, data: data[at] ?? new Uint8Array(0) })),
    ...entriesFrom(5, 2, 3, 30),
  ];
  await new Promise<void>((resolve) =>
    storage.append({ hardState: { term: 3, vote: 2, commit: 5 }, entries, snapshot: null }, resolve),
  );
  await takeSnapshot(storage, 1, 3, ["image"]);
  await storage.close();
  await files.close();
}

describe("quorumguard log verify", () => {
  it("tells what a sound folder holds, and changes nothing in it", async () => {
    await usedFolder();
    const before = await fingerprint(folder);
    const { status, stdout } = run("log", "verify", folder);
    expect(stdout).toMatch(/identity {2}node 3 of cluster 0123456789abcdef0123456789abcdef/);
    expect(stdout).toMatch(/log {7}entries 1 to 6; term 3, voted for 2, committed up to 5/);
    expect(stdout).toMatch(/snapshot .* index 1, term 3, .* every check holds/);
    expect(stdout).toMatch(/\nsound\n$/);
    expect(status).toBe(0);
    const report = JSON.parse(run("log", "verify", folder, "--json").stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ sound: true, entries: 6, lastIndex: 6, damage: [], torn: null });
    expect(await fingerprint(folder)).toBe(before);
  });

  it("names file and byte of damage, and says what to do; a torn frame is none", async () => {
    await usedFolder();
    const [name = ""] = (await readdir(join(folder, "log"))).filter((each) => each.endsWith(".seg"));
    const path = join(folder, "log", name);
    const sound = await readFile(path);
    const damaged = Buffer.from(sound);
    damaged[650] = (damaged[650] ?? 0) ^ 1;
    await writeFile(path, damaged);
    const found = run("log", "verify", folder);
    expect(found.status).toBe(1);
    expect(found.stdout).toContain(`DAMAGED  log/${name} at byte 512: frame 1 is damaged`);
    expect(found.stdout).toMatch(/not sound: 1 problem\n$/);
    const torn = Buffer.from(sound);
    torn.fill(9, torn.findLastIndex((byte) => byte !== 0) + 600, torn.findLastIndex((byte) => byte !== 0) + 700);
    await writeFile(path, torn);
    const after = run("log", "verify", folder);
    expect(after.status).toBe(0);
    expect(after.stdout).toMatch(/torn .*whose write was cut short/);
    expect(after.stdout).toMatch(/abstains {2}after the next start/);
  });

  it("refuses a folder that is in use, or not there, or not named, and says so", async () => {
    const files = await openNodeFileSystem({ root: folder });
    await openForTest(files);
    const used = run("log", "verify", folder);
    expect([used.status, used.stdout]).toEqual([1, ""]);
    expect(used.stderr).toContain(`process ${process.pid} uses the folder; stop it first`);
    await files.close();
    expect(run("log", "verify", join(folder, "none"))).toMatchObject({ status: 1, stdout: "" });
    expect(run("log", "verify")).toMatchObject({ status: 2, stdout: "" });
    expect(run("log", "verify", folder, folder).status).toBe(2);
    expect(run("log").stderr).toContain("there are quorumguard log verify and quorumguard log dump");
  });
});

describe("quorumguard log dump", () => {
  it("shows every entry with its kind and what is in it, and keys only if they are asked for", async () => {
    await usedFolder();
    const before = await fingerprint(folder);
    const { status, stdout } = run("log", "dump", folder);
    const lines = stdout.trimEnd().split("\n");
    expect(status).toBe(0);
    expect(lines.map((line) => line.split("  ").slice(0, 3))).toEqual([
      ["1", "term 3", "empty"],
      ["2", "term 3", "normal"],
      ["3", "term 3", "normal"],
      ["4", "term 3", "configuration"],
      ["5", "term 3", "normal"],
      ["6", "term 3", "normal"],
    ]);
    expect(lines[1]).toContain("stamp 2023-11-14T22:13:20.000Z  takeover  1 register + 1 calls  2 items");
    expect(lines[4]).toContain("not decoded:");
    expect(lines[5]).toContain("not known to be committed");
    expect(stdout).not.toContain("user:");
    expect(run("log", "dump", folder, "--keys").stdout).toContain('keys ["user:1","user:2"]');
    expect(await fingerprint(folder)).toBe(before);
  });

  it("shows a range, as JSON lines if asked, and refuses one that is the wrong way round", async () => {
    await usedFolder();
    const { stdout } = run("log", "dump", folder, "--from", "2", "--to", "3", "--json");
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).toMatchObject([
      { index: 2, term: 3, type: "normal", committed: true, stampUs, items: 2, operations: { register: 1, calls: 1 } },
      { index: 3, items: 1 },
    ]);
    expect(entries[0]).not.toHaveProperty("keys");
    expect(run("log", "dump", folder, "--from", "9", "--to", "8").status).toBe(2);
    expect(run("log", "dump", folder, "--from", "90")).toMatchObject({ status: 0, stdout: "" });
  });
});
