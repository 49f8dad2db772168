import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

test("the decision on tools has every runtime dependency of a published package, with its reason, and no other", () => {
  const manifests = fs
    .globSync("packages/*/package.json", { cwd: root })
    .map((file) => JSON.parse(read(file)) as { private?: boolean; dependencies?: Readonly<Record<string, string>> });
  const used = manifests
    .filter(({ private: isPrivate }) => isPrivate !== true)
    .flatMap(({ dependencies = {} }) => Object.keys(dependencies))
    .filter((name) => !name.startsWith("@quorumguard/"));
  const rows = read("docs/decisions/toolchain.md").matchAll(/^\| (`[^|]+)\| *\S/gm);
  const told = [...rows].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(used.length).toBeGreaterThan(10);
  expect(told.sort()).toEqual([...new Set(used)].sort());
});
