import { describe, expect, test } from "vitest";
import { createRandom } from "../world/random.ts";
import { sectorBytes } from "./inode.ts";
import { createVirtualDisk } from "./virtual-disk.ts";

const text = (value: string) => new TextEncoder().encode(value);
const seeds = Array.from({ length: 60 }, (_, seed) => seed);

describe("a virtual disk", () => {
  test("gives back what was written, before and after a flush", () => {
    const disk = createVirtualDisk();
    const inode = disk.create("a");
    inode.write(5000, text("hello"));
    expect(inode.size).toBe(5005);
    expect(inode.read(4998, 100)).toEqual(new Uint8Array([0, 0, ...text("hello")]));
    inode.finishFlush(inode.beginFlush());
    expect(inode.read(5000, 5)).toEqual(text("hello"));
  });

  test("keeps what was flushed through a power loss, whatever the seed", () => {
    for (const seed of seeds) {
      const disk = createVirtualDisk();
      const inode = disk.create("log");
      disk.flushFolder("");
      inode.write(0, new Uint8Array(3000).fill(1));
      inode.finishFlush(inode.beginFlush());
      inode.write(3000, new Uint8Array(9000).fill(2));
      disk.losePower(createRandom(seed));
      expect(disk.file("log")!.read(0, 3000)).toEqual(new Uint8Array(3000).fill(1));
    }
  });

  test("forgets, keeps and tears what was not flushed, each for some seed, sector by sector", () => {
    const outcomes = new Set<string>();
    for (const seed of seeds) {
      const disk = createVirtualDisk();
      disk.create("log").write(0, new Uint8Array(16 * sectorBytes).fill(7));
      disk.flushFolder("");
      disk.losePower(createRandom(seed));
      const inode = disk.file("log")!;
      let kept = 0;
      for (let sector = 0; sector < 16; sector++) {
        const bytes = inode.read(sector * sectorBytes, sectorBytes);
        // Only the last sector may be new in front and old behind.
        const mixed = new Set(bytes).size > 1;
        if (mixed) expect([sector, bytes[0], bytes[sectorBytes - 1]]).toEqual([15, 7, 0]);
        if (mixed) outcomes.add("torn within a sector");
        else if (bytes[0] === 7) kept++;
      }
      outcomes.add(kept === 0 ? "forgotten" : kept === 16 ? "kept" : "torn");
    }
    expect([...outcomes].sort()).toEqual(["forgotten", "kept", "torn", "torn within a sector"]);
  });

  test("a file whose folder was not flushed may be gone, and a flushed folder keeps it", () => {
    const found = new Set<boolean>();
    for (const seed of seeds) {
      const disk = createVirtualDisk();
      disk.makeFolder("log");
      disk.flushFolder("");
      disk.create("log/1");
      disk.flushFolder("log");
      disk.create("log/2");
      disk.losePower(createRandom(seed));
      expect(disk.file("log/1")).toBeDefined();
      found.add(disk.file("log/2") !== undefined);
    }
    expect(found).toEqual(new Set([true, false]));
  });

  test("a rename that was not flushed leaves the old name or the new one, never both or neither", () => {
    const names = new Set<string>();
    for (const seed of seeds) {
      const disk = createVirtualDisk();
      disk.create("aside");
      disk.flushFolder("");
      disk.rename("aside", "final");
      disk.losePower(createRandom(seed));
      expect(disk.list("")).toHaveLength(1);
      names.add(disk.list("")[0]!);
    }
    expect(names).toEqual(new Set(["aside", "final"]));
  });

  test("a flush makes durable what a dead process's unfinished flush had taken", () => {
    const disk = createVirtualDisk();
    const inode = disk.create("log");
    disk.flushFolder("");
    inode.write(0, text("one"));
    inode.beginFlush(); // Never finishes: its process was killed.
    inode.write(3, text("two"));
    inode.finishFlush(inode.beginFlush());
    disk.losePower(createRandom(1));
    expect(disk.file("log")!.read(0, 6)).toEqual(text("onetwo"));
  });

  test("names what is missing or in the way", () => {
    const disk = createVirtualDisk();
    disk.create("a");
    expect(() => disk.create("a")).toThrow('EEXIST: create "a"');
    expect(() => disk.create("absent/a")).toThrow('ENOENT: create "absent/a"');
    expect(() => disk.remove("b")).toThrow('ENOENT: remove "b"');
    expect(() => disk.rename("b", "c")).toThrow('ENOENT: rename "b"');
    expect(disk.list("absent")).toEqual([]);
  });

  test("damage is what programs read, also after power was lost", () => {
    const disk = createVirtualDisk();
    const inode = disk.create("log");
    disk.flushFolder("");
    inode.write(0, text("hello"));
    inode.finishFlush(inode.beginFlush());
    inode.damage(1, text("u"));
    expect(inode.read(0, 5)).toEqual(text("hullo"));
    disk.losePower(createRandom(1));
    expect(disk.file("log")!.read(0, 5)).toEqual(text("hullo"));
  });
});
