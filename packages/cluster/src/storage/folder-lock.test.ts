import { spawn } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lockFolder } from "./folder-lock.ts";
import { openNodeFileSystem } from "./node-file-system.ts";
import { openReadOnlyFileSystem } from "./read-only-file-system.ts";
import { StorageError } from "./storage-error.ts";

vi.mock(import("node:fs/promises"), async (original) => {
  const real = await original();
  return { ...real, writeFile: vi.fn(real.writeFile) };
});

describe("the lock of a data folder", () => {
  let root = "";
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "quorumguard-lock-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("refuses a second user, naming process and path, and lets go when closed", async () => {
    const first = await openNodeFileSystem({ root });
    const error: unknown = await openNodeFileSystem({ root }).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).message).toContain(`process ${process.pid}`);
    expect((error as StorageError).message).toContain(root);
    expect(await first.list("")).toEqual([]);
    await first.close();
    await (await openNodeFileSystem({ root })).close();
    expect(await readdir(root)).toEqual([]);
  });

  it("is taken over from a process that is gone, or whose id another process has now", async () => {
    const gone = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    await new Promise((resolve) => gone.on("exit", resolve));
    const lock = await lockFolder(root);
    const own = JSON.parse(await readFile(join(root, "lock"), "utf8")) as {
      pid: number;
      started: string;
      boot: string;
    };
    await lock.release();
    for (const stale of [
      own,
      { ...own, socket: "", pid: gone.pid },
      { ...own, socket: "", started: "1" },
      { ...own, boot: "another start of this machine" },
      "{half",
    ]) {
      await writeFile(join(root, "lock"), typeof stale === "string" ? stale : JSON.stringify(stale));
      await (await lockFolder(root)).release();
    }
  });

  it("holds against a process that cannot see the holder's process id, as in another container", async () => {
    const lock = await lockFolder(root);
    const path = join(root, "lock");
    const own = JSON.parse(await readFile(path, "utf8")) as { pid: number };
    await writeFile(path, JSON.stringify({ ...own, pid: 2 ** 22 + 1, started: "unknown here" }));
    await expect(lockFolder(root)).rejects.toThrow(`process ${2 ** 22 + 1} uses the data folder`);
    await lock.release();
  });

  it("holds though its file was damaged, emptied or removed, or an old one put back", async () => {
    const stale = JSON.stringify({ pid: 1, started: "0", boot: "long ago", socket: "" });
    for (const content of [null, "", "{half", "\0\0\0\0", stale]) {
      const lock = await lockFolder(root);
      const path = join(root, "lock");
      if (content === null) await rm(path);
      else await writeFile(path, content);
      await expect(lockFolder(root), String(content)).rejects.toThrow(
        /uses the data folder .*though its lock file is gone/,
      );
      await expect(lockFolder(root), String(content)).rejects.toThrow("stop it");
      await lock.release();
      await (await lockFolder(root)).release();
    }
  });

  it("does without a socket in a folder whose path is too long for one", async () => {
    const deep = join(root, "d".repeat(120));
    const files = await openNodeFileSystem({ root: deep });
    expect(JSON.parse(await readFile(join(deep, "lock"), "utf8"))).toMatchObject({ pid: process.pid, socket: "" });
    await expect(openNodeFileSystem({ root: deep })).rejects.toThrow(`process ${process.pid} uses`);
    await files.close();
  });

  it("goes to exactly one of many that ask at once, stale lock or not", async () => {
    for (const stale of [false, true]) {
      if (stale)
        await writeFile(join(root, "lock"), JSON.stringify({ pid: 1, started: "0", boot: "long ago", socket: "" }));
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(root)));
      const taken = outcomes.filter((outcome) => outcome.status === "fulfilled");
      expect(taken).toHaveLength(1);
      for (const outcome of taken) await outcome.value.release();
    }
  });

  it("keeps paths inside the folder", async () => {
    const files = await openNodeFileSystem({ root });
    await expect(files.open("../x", { create: true })).rejects.toThrow('path "../x" is not inside the data folder');
    await expect(files.open("/x", { create: true })).rejects.toThrow("not inside the data folder");
    await files.close();
  });

  it("leaves nothing behind where the disk has no room for it", async () => {
    vi.mocked(writeFile).mockImplementationOnce(async (path) => {
      await open(String(path), "wx").then((file) => file.close());
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    });
    await expect(lockFolder(root)).rejects.toThrow("ENOSPC");
    expect(await readdir(root)).toEqual([]);
  });

  it("is noticed by who only looks, though the lock file is gone", async () => {
    const files = await openNodeFileSystem({ root });
    await expect(openReadOnlyFileSystem(root)).rejects.toThrow(`process ${process.pid} uses the folder`);
    await rm(join(root, "lock"));
    await expect(openReadOnlyFileSystem(root)).rejects.toThrow(/a process that answers on lock\.[0-9a-f]+\.sock uses/);
    await files.close();
    await openReadOnlyFileSystem(root);
  });
});
