import fs from "node:fs";
import path from "node:path";
import { repositoryRoot } from "../repository.ts";
import { checkDeadFiles, type Manifest } from "./dead-files.ts";
import { checkLayers } from "./layers.ts";
import { checkNames } from "./names.ts";
import { checkPurity } from "./purity.ts";
import { checkSizes } from "./sizes.ts";
import { type Finding, isGenerated, parseSource, type SourceFile } from "./source-file.ts";
import { checkTimedSleeps } from "./timed-sleeps.ts";

const sourceFolders = ["packages", "scripts", "bench", "examples", "docs", "deploy"];
const leftOut = new Set(["node_modules", "dist", ".turbo", "coverage", "results"]);

/** Checks all sources of a repository; one line per finding, `path:line: message`. */
export function checkRepository(root: string = repositoryRoot): readonly string[] {
  const paths = sourceFolders.flatMap((folder) => listFiles(root, folder));
  const files = paths
    .filter((name) => /\.(ts|mts|mjs)$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => parseSource(name, fs.readFileSync(path.join(root, name), "utf8")));
  const manifests = paths
    .filter((name) => path.posix.basename(name) === "package.json")
    .map((name) => readManifest(root, name));
  return checkFiles(files, manifests).map(
    ({ path: name, line, message }) => `${name}${line > 0 ? `:${line}` : ""}: ${message}`,
  );
}

/** Checks parsed files by every rule. */
export function checkFiles(files: readonly SourceFile[], manifests: readonly Manifest[]): readonly Finding[] {
  const found: Finding[] = [];
  for (const file of files) {
    for (const message of file.syntaxErrors) found.push({ path: file.path, line: 0, message });
    if (isGenerated(file.path)) continue;
    found.push(
      ...checkLayers(file),
      ...checkPurity(file),
      ...checkSizes(file),
      ...checkNames(file),
      ...checkTimedSleeps(file),
    );
  }
  return [...found, ...checkDeadFiles(files, manifests)];
}

function readManifest(root: string, name: string): Manifest {
  return { ...JSON.parse(fs.readFileSync(path.join(root, name), "utf8")), folder: path.posix.dirname(name) };
}

/** Files below a folder, relative to the root, in a fixed order. */
function listFiles(root: string, folder: string): readonly string[] {
  const absolute = path.join(root, folder);
  if (!fs.existsSync(absolute)) return [];
  return fs
    .readdirSync(absolute, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      if (leftOut.has(entry.name)) return [];
      const name = `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(root, name) : entry.isFile() ? [name] : [];
    });
}
