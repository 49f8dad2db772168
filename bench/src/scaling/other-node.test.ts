import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findOtherNode } from "./other-node.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-other-node-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A program that says this of its version. */
async function says(version: string): Promise<string> {
  const program = join(folder, version);
  await writeFile(program, `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  return program;
}

it("takes the first that is another version and not too old, and what was asked for before any", async () => {
  const [same, old, other, asked] = await Promise.all([process.version, "v20.18.9", "v20.19.0", "v99.1.0"].map(says));
  const missing = join(folder, "missing");
  expect(await findOtherNode(null, [missing, same!, old!, other!, asked!])).toEqual({
    program: other,
    version: "v20.19.0",
  });
  expect(await findOtherNode(asked!, [other!])).toEqual({ program: asked, version: "v99.1.0" });
  expect(await findOtherNode(null, [missing, same!, old!])).toBeNull();
});

it("says why it does not take what was asked for", async () => {
  const [same, old, odd] = await Promise.all([process.version, "v18.20.0", "deno-2.9.6"].map(says));
  await expect(findOtherNode(same!)).rejects.toThrow("the version that the others run on");
  await expect(findOtherNode(old!)).rejects.toThrow("needs Node.js 20.19");
  await expect(findOtherNode(odd!)).rejects.toThrow("it says deno-2.9.6");
  await expect(findOtherNode(join(folder, "missing"))).rejects.toThrow("ENOENT");
});
