import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { distFolder, repositoryRoot } from "./folders.ts";

const stampFile = path.join(distFolder, ".built-from");

/** What a build reads: pages, what is generated into them, code that they show, and the packages that are described. */
const inputs = [
  "docs/astro.config.ts",
  "docs/package.json",
  "docs/public",
  "docs/src",
  "docs/decisions",
  "examples",
  "bench/results",
  "packages",
  "package.json",
  "pnpm-lock.yaml",
];

/** Written by builds, or by the build of the site itself. */
const outputs =
  /(^|\/)(node_modules|dist|\.astro|\.turbo)(\/|$)|^docs\/src\/content\/docs\/((reference|decisions|benchmarks)\/|internals\/known-bugs\.md$)/;

/** One hash of everything that a build reads. */
export async function fingerprintOfInputs(): Promise<string> {
  const hash = createHash("sha256");
  for (const input of inputs) {
    for (const file of await filesBelow(input)) {
      hash
        .update(`${file}\0`)
        .update(await readFile(path.join(repositoryRoot, file)))
        .update("\0");
    }
  }
  return hash.digest("hex");
}

/** Notes what docs/dist was built from. */
export async function writeStamp(fingerprint: string): Promise<void> {
  await writeFile(stampFile, fingerprint);
}

/** True if docs/dist was built from just what is there now. */
export async function isFresh(): Promise<boolean> {
  const stamp = await readFile(stampFile, "utf8").catch(() => null);
  return stamp !== null && stamp === (await fingerprintOfInputs());
}

async function filesBelow(name: string): Promise<readonly string[]> {
  if (path.extname(name) !== "") return [name];
  const entries = await readdir(path.join(repositoryRoot, name), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = `${name}/${entry.name}`;
    if (outputs.test(child)) continue;
    if (entry.isDirectory()) found.push(...(await filesBelow(child)));
    else if (entry.isFile()) found.push(child);
  }
  return found;
}
