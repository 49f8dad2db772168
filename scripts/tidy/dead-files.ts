import path from "node:path";
import { type Finding, isGenerated, type SourceFile, walk } from "./source-file.ts";

/** The part of a package.json that names files. */
export interface Manifest {
  /** The package's folder, relative to the repository's root; empty for the root itself. */
  readonly folder: string;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Tests, and files that are started by name, from the bootstrap or by hand. */
const entryPoints: readonly RegExp[] = [
  /\.(test|test-d|bench)\.ts$/,
  /^scripts\/[^/]+\.(ts|mjs)$/,
  /^scripts\/demo\/main\.ts$/,
  /^bench\/src\/(guard-)?main\.ts$/,
  /^deploy\/src\/dashboard\/main\.ts$/,
  /^packages\/sim\/src\/(cli|mutants-cli|exactness-cli)\.ts$/,
  /^packages\/audit\/src\/cli\.ts$/,
  /^packages\/nemesis\/src\/(main|exactness-main|failover-main)\.ts$/,
  /^packages\/exactness\/src\/main\.ts$/,
  // packages/runtimes starts these from dist, on runtimes that cannot be handed a source.
  /^packages\/sdk-(node|web)\/src\/contract\/contract-(main|page|worker)\.ts$/,
  /^examples\//,
  // Pages show these, and a test compiles or runs each.
  /^docs\/src\/snippets\//,
  /\.astro\.ts$/,
  /^packages\/[^/]+\/examples\//,
  // Programs that check a package from outside, such as a conformance run over scripts in any folder.
  /^packages\/[^/]+\/test\/[^/]+\.ts$/,
  /\.config\.ts$/,
  // Bundled for pages by name.
  /^packages\/browsers\/src\/page\/[a-z-]+\.ts$/,
  // vitest.config.ts names it.
  /^packages\/packaging\/src\/pack-once\.ts$/,
];

/** Every source file is reached from an entry point, an export, a command or a test. */
export function checkDeadFiles(files: readonly SourceFile[], manifests: readonly Manifest[]): readonly Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const queue = [
    ...files.map((file) => file.path).filter((name) => entryPoints.some((one) => one.test(name))),
    ...manifests.flatMap((manifest) => namedFiles(manifest)),
  ];
  const reached = new Set<string>();
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const file = byPath.get(name);
    if (file === undefined || reached.has(name)) continue;
    reached.add(name);
    queue.push(...references(file));
  }
  return files
    .filter((file) => !reached.has(file.path) && !isGenerated(file.path))
    .map((file) => ({
      path: file.path,
      line: 0,
      message: "dead file: no entry point, export, command or test reaches it",
    }));
}

/** Files that a file names: its imports, and strings that are paths, as for workers and child processes. */
function references(file: SourceFile): readonly string[] {
  const names: string[] = [];
  walk(file.program, (node) => {
    const text =
      node.type === "Literal" && typeof node.value === "string"
        ? node.value
        : node.type === "TemplateElement"
          ? node.value.raw
          : null;
    if (text === null || !/\.(ts|mjs|js)$/.test(text)) return undefined;
    const asSource = text.replace(/\.js$/, ".ts");
    names.push(path.posix.join(path.posix.dirname(file.path), asSource), path.posix.normalize(asSource));
    return undefined;
  });
  return names;
}

function namedFiles(manifest: Manifest): readonly string[] {
  const named = JSON.stringify([manifest.bin, manifest.exports, manifest.scripts]);
  const files = named.match(/[\w./-]+\.(?:ts|mjs|js)\b/g) ?? [];
  return files.map((file) =>
    path.posix.join(manifest.folder, file.replace(/^(\.\/)?dist\//, "src/").replace(/(\.d)?\.(js|ts)$/, ".ts")),
  );
}
