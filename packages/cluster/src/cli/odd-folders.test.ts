import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import type { FileSystem } from "../storage/file-system.ts";
import { inspectFolder } from "../storage/inspect-folder.ts";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import { openReadOnlyFileSystem } from "../storage/read-only-file-system.ts";
import { openForTest } from "../storage/storage.fixture.ts";
import { misplaced } from "../storage/storage-error.ts";
import { verifyText } from "./log-verify-command.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "quorumguard-odd-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const data = (): string => join(root, "data");
/** A folder that a node was in, with `change` made to it. */
async function used<T>(change: () => Promise<T>): Promise<T> {
  const files = await openNodeFileSystem({ root: data() });
  const storage = await openForTest(files);
  await storage.close();
  await files.close();
  return change();
}

async function start(): Promise<void> {
  const files = await openNodeFileSystem({ root: data() });
  try {
    await (await openForTest(files)).close();
  } finally {
    await files.close();
  }
}

const verify = async () => inspectFolder(await openReadOnlyFileSystem(data()));

describe("where something else is in the place of a file or a folder", () => {
  it.each([
    ["lock", "EISDIR", () => mkdir(join(data(), "lock"))],
    [
      "log",
      "ENOTDIR",
      () => rm(join(data(), "log"), { recursive: true }).then(() => writeFile(join(data(), "log"), "")),
    ],
    ["identity", "EISDIR", () => rm(join(data(), "identity")).then(() => mkdir(join(data(), "identity")))],
  ])("%s: start and verify name it and say what to do", async (name, code, change) => {
    await used(change);
    for (const attempt of [start, verify]) {
      const found = await attempt().then(
        (report) => report?.damage.map(({ file, problem }) => `${file}: ${problem}`).join() ?? "",
        (error: Error) => error.message,
      );
      expect(found).toMatch(new RegExp(`^${name}: .* is in the place of this .*; move it away \\(${code}\\)`));
    }
  });
});

test("files of another user are named, with what to do", () => {
  const found = misplaced("identity", Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" }));
  expect((found as Error).message).toMatch(
    /^identity: this user may not read and write it; give the data folder .* \(EACCES\)$/,
  );
  const other = new Error("EIO");
  expect(misplaced("identity", other)).toBe(other);
});

describe("a data folder is made with the folders above it", () => {
  it("once, and again where they are there", async () => {
    const deep = join(root, "a", "b", "c");
    for (let times = 0; times < 2; times++) await (await openNodeFileSystem({ root: deep })).close();
    expect((await stat(deep)).isDirectory()).toBe(true);
  });

  it("or refused where a file or a link that leads nowhere is in the way", async () => {
    await writeFile(join(root, "file"), "");
    await symlink(join(root, "nowhere"), join(root, "link"));
    await expect(openNodeFileSystem({ root: join(root, "file") })).rejects.toMatchObject({ code: "EEXIST" });
    await expect(openNodeFileSystem({ root: join(root, "file", "below") })).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(openNodeFileSystem({ root: join(root, "link") })).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.runIf(existsSync("/proc/self"))("or refused at once where the system makes none", async () => {
    await expect(openNodeFileSystem({ root: "/proc/quorumguard/data" })).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a folder that no node was in", () => {
  it("is called empty if it is, and no data folder if somebody else's files are in it", async () => {
    await mkdir(join(data(), "lost+found"), { recursive: true });
    expect(await verify()).toMatchObject({ empty: true, damage: [] });
    for (const node of ["1", "2", "3"]) await mkdir(join(data(), node));
    await expect(verify()).rejects.toThrow(/this is no data folder: it holds 1, 2, 3, and nothing that a node writes/);
  });
});

describe("a folder of which something was lost", () => {
  it("is repaired though the folder of the log itself is gone", async () => {
    await used(() => rm(join(data(), "log"), { recursive: true }));
    await expect(start()).rejects.toThrow("no log segment is there");
    const files = await openNodeFileSystem({ root: data() });
    const storage = await openForTest(files, { repair: true });
    expect(storage.recovery.damaged).toMatchObject({ file: "log" });
    await storage.close();
    await files.close();
    expect(verifyText(await verify())).toMatch(/^repaired {2}log: /m);
  });

  it("is called half repaired where a repair was begun and did not end", async () => {
    await used(() => rm(join(data(), "log"), { recursive: true }));
    const files = await openNodeFileSystem({ root: data() });
    const cut = { ...bound(files), open: refuseSegments(files) };
    await expect(openForTest(cut, { repair: true })).rejects.toThrow("cut");
    await files.close();
    expect(verifyText(await verify())).toMatch(/^begun {5}the repair of log: /m);
  });

  it("starts with one of META's two slots, and verify tells", async () => {
    await used(() => truncate(join(data(), "meta"), 4_100));
    const report = await verify();
    expect([report.spoiltSlots, report.damage]).toEqual([1, []]);
    expect(verifyText(report)).toMatch(/^meta {6}one of its two slots is damaged or cut/m);
    await start();
    expect((await verify()).spoiltSlots).toBe(0);
  });

  it("is not to be mended by renaming a copy of a segment onto the segment", async () => {
    const [name] = await used(async () => readdir(join(data(), "log")));
    const other = "00000000000000000009-0123456789abcdef.seg";
    await copyFile(join(data(), "log", name!), join(data(), "log", other));
    await expect(start()).rejects.toThrow(
      /a file of that name is there, which is not to be overwritten: .* move this one/,
    );
    await rm(join(data(), "log", other));
    await rename(join(data(), "log", name!), join(data(), "log", name!.replace(/-.*/, "-0123456789abcdef.seg")));
    await expect(start()).rejects.toThrow(/renamed from .*; rename it back/);
  });
});

const bound = (files: FileSystem): FileSystem => ({
  open: (path, options) => files.open(path, options),
  list: (folder) => files.list(folder),
  makeFolder: (folder) => files.makeFolder(folder),
  rename: (from, to) => files.rename(from, to),
  remove: (path) => files.remove(path),
  flushFolder: (folder) => files.flushFolder(folder),
});

const refuseSegments =
  (files: FileSystem): FileSystem["open"] =>
  (path, options) =>
    options.create && path.startsWith("log/") ? Promise.reject(new Error("cut")) : files.open(path, options);
