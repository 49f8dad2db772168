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
const leftOut = new Set(["node_modules", "dist", ".turbo", ".astro", "coverage", "results"]);

/** Checks all sources of a repository; one line per finding, `path:line: message`. */
export function checkRepository(root: string = repositoryRoot): readonly string[] {
  const paths = sourceFolders.flatMap((folder) => listFiles(root, folder));
  const read = (name: string) => fs.readFileSync(path.join(root, name), "utf8");
  const files = paths
    .filter((name) => /\.(ts|mts|mjs)$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => parseSource(name, read(name)));
  const components = paths
    .filter((name) => name.endsWith(".astro"))
    .map((name) => parseSource(`${name}.ts`, scriptOf(read(name))));
  const manifests = paths
    .filter((name) => path.posix.basename(name) === "package.json")
    .map((name) => readManifest(root, name));
  return checkFiles(files, manifests, components).map(
    ({ path: name, line, message }) => `${name}${line > 0 ? `:${line}` : ""}: ${message}`,
  );
}

/** What an Astro component runs when a page is built: the part between its two lines of dashes. */
function scriptOf(component: string): string {
  return /^---\n([\s\S]*?)\n---/.exec(component)?.[1] ?? "";
}

/** Checks parsed files by every rule. `components` use files, and are not checked themselves. */
export function checkFiles(
  files: readonly SourceFile[],
  manifests: readonly Manifest[],
  components: readonly SourceFile[] = [],
): readonly Finding[] {
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
  const dead = checkDeadFiles([...files, ...components], manifests);
  return [...found, ...dead];
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
