import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EntryFile } from "./entry-file.ts";

let folder: string;
let file: EntryFile;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quorumguard-entry-file-"));
  file = new EntryFile(join(folder, "entries"));
});
afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

test("entries come back as they were, whether larger or smaller than the buffer", () => {
  const sizes = [3, 700_000, 0, 700_000, 1_500_000, 20, 1_048_576, 1];
  const entries = sizes.map((size, at) => Buffer.alloc(size, `entry ${at}`));
  const places = entries.map((data) => file.keep(data));
  for (const [at, place] of places.entries()) expect(entries[at]!.equals(file.read(place))).toBe(true);
});

test("other data of the same length is told from what is kept, without reading it", () => {
  const place = file.keep(Buffer.from("allow"));
  expect(file.isSame(place, Buffer.from("allow"))).toBe(true);
  expect(file.isSame(place, Buffer.from("alloy"))).toBe(false);
  expect(file.isSame(place, Buffer.from("allows"))).toBe(false);
});
