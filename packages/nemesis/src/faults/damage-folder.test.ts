import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { damageFolder } from "./damage-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-damage-"));
  await mkdir(join(folder, "log"));
});
afterEach(() => rm(folder, { recursive: true }));

test("something that is in use changes, and nothing else", async () => {
  const used = Buffer.alloc(5_000, 7);
  const segment = join(folder, "log", "1.seg");
  for (let seed = 0; seed < 40; seed++) {
    await writeFile(segment, Buffer.concat([used, Buffer.alloc(3_000)]));
    const what = await damageFolder(folder, createRandom(seed));
    const after = await readFile(segment);
    expect(after).toHaveLength(8_000);
    expect(after.subarray(5_000).every((byte) => byte === 0)).toBe(true);
    // Without snapshots there is at times nothing to damage.
    if (what !== null) expect(after.subarray(0, 5_000).equals(used), what).toBe(false);
    if (what?.startsWith("a flipped bit"))
      expect(after.filter((byte, at) => byte !== used[at] && at < 5_000)).toHaveLength(1);
  }
});

test("what holds nothing is left alone", async () => {
  await writeFile(join(folder, "log", "1.seg"), Buffer.alloc(1_000));
  await writeFile(join(folder, "log", "2.spare"), Buffer.alloc(1_000, 1));
  for (let seed = 0; seed < 20; seed++) expect(await damageFolder(folder, createRandom(seed))).toBeNull();
});
