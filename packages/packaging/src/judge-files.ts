import path from "node:path";

/** What only the workspace needs, whoever imports it. */
const unwanted = /\.test\.|\.test-d\.|\.fixture\.|(^|\/)(checklist|fixtures)\/|tsconfig|node_modules|\.turbo/;
/** What tests need, unless an entry of the package offers it to users' tests: suites and kits. */
const forTests = /(^|\/)(testing|contract)\//;

/** Folders where a bundler put a source folder, and what it needs, into files of its own: licences of others lie beside them. */
export function bundledFolders(files: readonly string[]): ReadonlySet<string> {
  return new Set(files.filter((file) => file.endsWith("/THIRD-PARTY-LICENSES.txt")).map(path.posix.dirname));
}

/** The part of a source map that is judged. */
interface SourceMap {
  readonly file?: string;
  readonly sourceRoot?: string;
  readonly sources: readonly string[];
  /** Texts of sources; null for what lies beside the map. */
  readonly sourcesContent?: readonly (string | null)[];
  readonly mappings: string;
}

/**
 * Tests, fixtures and configurations that slipped into a tarball. `starts`: what the package.json names; `read`: a file's text
 * by its path in the package.
 */
export function judgeContents(
  files: readonly string[],
  starts: readonly string[],
  read: (file: string) => string,
): readonly string[] {
  const modules = reachable(files, starts, read);
  const isUsed = (file: string) => modules.has(outputOf(file));
  return files
    .filter((file) => unwanted.test(file) || (forTests.test(file) && !isUsed(file)))
    .map((file) => `${file} is of use to the workspace only`);
}

/** The JavaScript that a source, a declaration or a map belongs to. */
function outputOf(file: string): string {
  return file.replace(/^src\//, "dist/").replace(/(\.d\.ts|\.ts|\.js)(\.map)?$/, ".js");
}

/** The modules that some entry imports, or names as a file beside it, as for workers. */
function reachable(files: readonly string[], starts: readonly string[], read: (file: string) => string): Set<string> {
  const present = new Set(files);
  const found = new Set<string>();
  const queue = starts.map(outputOf);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file) || !present.has(file)) continue;
    found.add(file);
    const named = [...read(file).matchAll(/["'](\.{1,2}\/[^"']+)["']/g)].map(([, name = ""]) => name);
    queue.push(...named.map((name) => path.posix.join(path.posix.dirname(file), name)));
  }
  return found;
}

/**
 * Maps that lead nowhere, sources without output and output without sources. `read`: a file's text by its path in the
 * package. A debugger and an editor's "go to definition" follow a map to a file of the tarball, so it must be there.
 */
export function judgeSourceMaps(files: readonly string[], read: (file: string) => string): readonly string[] {
  const present = new Set(files);
  const found: string[] = [];
  const bundled = bundledFolders(files);
  for (const file of files) {
    if (/^src\/.*(?<!\.d)\.ts$/.test(file)) {
      const output = outputOf(file);
      if (!present.has(output) && !bundled.has(path.posix.dirname(output)))
        found.push(`${file} has no output ${output}`);
    }
    if (/^dist\/.*(\.js|\.d\.ts)$/.test(file))
      found.push(...judgeMap(file, present, read, bundled.has(path.posix.dirname(file))));
  }
  return found;
}

function judgeMap(
  file: string,
  present: ReadonlySet<string>,
  read: (file: string) => string,
  bundled: boolean,
): readonly string[] {
  const named = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(read(file))?.[1];
  if (named === undefined) return [`${file} names no source map`];
  const mapFile = path.posix.join(path.posix.dirname(file), named);
  if (!present.has(mapFile)) return [`${file} names ${mapFile}, which is not in the tarball`];
  const map = JSON.parse(read(mapFile)) as SourceMap;
  // A bundle has files without a source as well: the bundler's own helpers, and what only hands on what others hold.
  if (bundled && map.mappings === "" && path.posix.basename(file) !== "main.js") return [];
  if (map.mappings === "" && /\bexport\b/.test(read(file).replace("export {};", "")))
    return [`${mapFile} maps nothing`];
  if (map.sources.length === 0) return [`${mapFile} names no source`];
  return map.sources
    .filter((_, index) => typeof map.sourcesContent?.[index] !== "string")
    .map((source) => path.posix.join(path.posix.dirname(mapFile), map.sourceRoot ?? "", source))
    .filter((source) => !present.has(source))
    .map((source) => `${mapFile} names ${source}, which is not in the tarball`);
}
