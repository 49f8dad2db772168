import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileSystem } from "./file-system.ts";

/** How a suite gets at an implementation. */
export interface FileSystemUnderTest {
  /** An empty data folder. */
  open(): Promise<FileSystem>;
  /** What a power failure leaves of the folder that `open` gave. Called only if the implementation `forgets`. */
  afterPowerFailure(): Promise<FileSystem>;
  close(): Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (found: Uint8Array): string => Buffer.from(found).toString();

/**
 * What the storage relies on, for any {@link FileSystem}. One that `forgets` can show what a power failure leaves; a
 * real disk does so only when its power is cut.
 */
export function describeFileSystem(name: string, forgets: boolean, create: () => FileSystemUnderTest): void {
  describe(`${name} is a FileSystem`, () => {
    let tested: FileSystemUnderTest;
    let files: FileSystem;
    beforeEach(async () => {
      tested = create();
      files = await tested.open();
    });
    afterEach(() => tested.close());

    const put = async (path: string, content: string, flush = true): Promise<void> => {
      const handle = await files.open(path, { create: true });
      await handle.write(0, [bytes(content)]);
      if (flush) await handle.flush();
      await handle.close();
    };
    const get = async (from: FileSystem, path: string): Promise<string> => {
      const handle = await from.open(path, { create: false });
      const found = text(await handle.read(0, await handle.size()));
      await handle.close();
      return found;
    };

    describeFiles(() => files, put, get);
    describeFolders(() => files, put, get);
    if (!forgets) return;
    describePowerFailure(
      () => files,
      () => tested.afterPowerFailure(),
      put,
      get,
    );
  });
}

type Put = (path: string, content: string, flush?: boolean) => Promise<void>;
type Get = (from: FileSystem, path: string) => Promise<string>;

function describeFiles(files: () => FileSystem, put: Put, get: Get): void {
  it("reads what was written, flushed or not", async () => {
    const handle = await files().open("a", { create: true });
    await handle.write(0, [bytes("one"), bytes("two")]);
    expect(text(await handle.read(0, 6))).toBe("onetwo");
    await handle.flush();
    await handle.write(3, [bytes("TWO")]);
    expect(text(await handle.read(1, 4))).toBe("neTW");
    expect(await handle.size()).toBe(6);
    await handle.close();
    expect(await get(files(), "a")).toBe("oneTWO");
  });

  it("gives fewer bytes only at the end of the file", async () => {
    await put("a", "0123456789");
    const handle = await files().open("a", { create: false });
    expect(text(await handle.read(7, 10))).toBe("789");
    expect((await handle.read(10, 5)).length).toBe(0);
    expect((await handle.read(99, 5)).length).toBe(0);
    await handle.close();
  });

  it("fills a gap before a write with zeros", async () => {
    const handle = await files().open("a", { create: true });
    await handle.write(4, [bytes("x")]);
    expect([...(await handle.read(0, 10))]).toEqual([0, 0, 0, 0, 120]);
    await handle.flush();
    expect([...(await handle.read(0, 10))]).toEqual([0, 0, 0, 0, 120]);
    await handle.close();
  });

  it("keeps no hold on the pieces of a finished write", async () => {
    const piece = Buffer.from("before");
    const handle = await files().open("a", { create: true });
    await handle.write(0, [piece]);
    piece.fill("!");
    await handle.flush();
    expect(text(await handle.read(0, 6))).toBe("before");
    await handle.close();
  });

  it("writes pieces larger than a megabyte whole", async () => {
    const large = Buffer.alloc(3_000_001, 7);
    const handle = await files().open("a", { create: true });
    await handle.write(1, [large, bytes("end")]);
    await handle.flush();
    expect(await handle.size()).toBe(3_000_005);
    expect(large.equals(await handle.read(1, large.length))).toBe(true);
    expect(text(await handle.read(3_000_002, 9))).toBe("end");
    await handle.close();
  });

  it("refuses to create a file that exists and to open one that does not", async () => {
    await put("a", "x");
    await expect(files().open("a", { create: true })).rejects.toThrow();
    await expect(files().open("b", { create: false })).rejects.toThrow();
    expect(await get(files(), "a")).toBe("x");
  });
}

function describeFolders(files: () => FileSystem, put: Put, get: Get): void {
  it("lists names in order, and nothing for an absent folder", async () => {
    await files().makeFolder("f");
    await files().makeFolder("f");
    await put("f/b", "1");
    await put("f/a", "2");
    expect(await files().list("f")).toEqual(["a", "b"]);
    expect(await files().list("absent")).toEqual([]);
    expect(await files().list("")).toEqual(["f"]);
  });

  it("renames over an existing file, and removes", async () => {
    await put("a", "new");
    await put("b", "old");
    await files().rename("a", "b");
    expect(await get(files(), "b")).toBe("new");
    expect(await files().list("")).toEqual(["b"]);
    await files().remove("b");
    expect(await files().list("")).toEqual([]);
    await expect(files().remove("b")).rejects.toThrow();
  });

  it("lets an open handle go on after a rename", async () => {
    const handle = await files().open("a", { create: true });
    await handle.write(0, [bytes("1")]);
    await files().rename("a", "b");
    await handle.write(1, [bytes("2")]);
    await handle.flush();
    await files().flushFolder("");
    await handle.write(2, [bytes("3")]);
    await handle.flush();
    await handle.close();
    expect(await get(files(), "b")).toBe("123");
  });
}

function describePowerFailure(files: () => FileSystem, fail: () => Promise<FileSystem>, put: Put, get: Get): void {
  it("keeps flushed bytes and flushed names over a power failure", async () => {
    await files().makeFolder("f");
    await put("f/a", "kept");
    await files().flushFolder("f");
    await files().flushFolder("");
    expect(await get(await fail(), "f/a")).toBe("kept");
  });

  it("forgets unflushed bytes", async () => {
    await put("a", "kept");
    await files().flushFolder("");
    const handle = await files().open("a", { create: false });
    await handle.write(0, [bytes("LOST AND LONGER")]);
    expect(await get(await fail(), "a")).toBe("kept");
  });

  it("forgets creations, renames and removals of an unflushed folder", async () => {
    await put("a", "1");
    await put("b", "2");
    await files().flushFolder("");
    await put("c", "3");
    await files().rename("a", "d");
    await files().remove("b");
    const left = await fail();
    expect(await left.list("")).toEqual(["a", "b"]);
    expect(await get(left, "a")).toBe("1");
    expect(await get(left, "b")).toBe("2");
  });

  it("forgets a folder whose parent was not flushed", async () => {
    await files().makeFolder("f");
    await put("f/a", "1");
    await files().flushFolder("f");
    expect(await (await fail()).list("f")).toEqual([]);
  });
}
