/**
 * Bundles the command `quorumguard`, with all that it depends on, into `packages/cluster/dist/cli`: a part of that package's build.
 * Why is in docs/decisions/bundled-command.md.
 */
import fs from "node:fs";
import path from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { licencesFile } from "./bundled-files.ts";
import { inRepository } from "./repository.ts";

/** A package that is part of the bundle. */
interface BundledPackage {
  readonly folder: string;
  /** Absolute. */
  readonly modules: readonly string[];
}

const packageFolder = inRepository("packages", "cluster");

/** CommonJS modules ask for Node's own by `require`, which no ES module has. */
const requireForCommonJs =
  'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);';

/**
 * What an ES module imports from `node:http` is read from it whole, and one of its getters loads Node's `fetch` and WebSocket, a
 * twentieth of a second that no node needs. Asked for as here, they stay where they are.
 */
const httpWithoutFetch: Plugin = {
  name: "http-without-fetch",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "node:http", namespace: "whole-builtin" } : undefined,
    );
    onLoad({ filter: /^node:http$/, namespace: "whole-builtin" }, () => ({
      contents: 'module.exports = process.getBuiltinModule("node:http");',
      loader: "js",
    }));
  },
};

/** Somebody else's module in one line of a map: its frames are told by their place in the bundle, in place of megabytes of their sources. */
const mapOfOneLine = Buffer.from(
  '{"version":3,"sources":["bundled"],"sourcesContent":[""],"mappings":"AAAA"}',
).toString("base64");

const ownSourcesInMaps: Plugin = {
  name: "own-sources-in-maps",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, ({ path: file }) => ({
      contents: `${fs.readFileSync(file, "utf8")}\n//# sourceMappingURL=data:application/json;base64,${mapOfOneLine}`,
      loader: "js",
    }));
  },
};

/** Writes the bundle into a folder, which lies as deep below the package as the sources of the command do: they read its package.json. */
async function bundleInto(folder: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: packageFolder,
    entryPoints: ["src/cli/main.ts"],
    outdir: folder,
    // What only some commands need is loaded by those.
    ...{ bundle: true, splitting: true, format: "esm", platform: "node", target: "node20.19" },
    conditions: ["quorumguard-source"],
    ...{ sourcemap: true, metafile: true, logLevel: "warning" },
    banner: { js: requireForCommonJs },
    plugins: [httpWithoutFetch, ownSourcesInMaps],
  });
  return metafile;
}

/** The packages, other than the workspace's, of which something is in the bundle. */
function bundledPackages({ outputs }: Metafile): readonly BundledPackage[] {
  const modules = new Map<string, Set<string>>();
  for (const input of Object.values(outputs).flatMap((output) => Object.keys(output.inputs))) {
    const folder = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder === undefined) continue;
    modules.set(folder, (modules.get(folder) ?? new Set()).add(path.resolve(packageFolder, input)));
  }
  return [...modules].map(([folder, files]) => ({ folder: path.resolve(packageFolder, folder), modules: [...files] }));
}

/** What the licences ask to be passed on: a package's own file, or the notices in its modules where it has none. */
function licenceOf({ folder, modules }: BundledPackage): string {
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const files = fs.readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const texts =
    files.length > 0
      ? files.map((file) => fs.readFileSync(path.join(folder, file), "utf8"))
      : [...new Set(modules.map(firstComment))].filter((text) => /copyright/i.test(text));
  if (license === undefined || texts.length === 0) throw new Error(`${name} says nowhere how it may be passed on`);
  return [`${name} ${version}: ${license}`, ...texts.map((text) => text.trim())].join("\n\n");
}

/** What a module says of itself before its code. */
function firstComment(file: string): string {
  const lines = fs.readFileSync(file, "utf8").split("\n");
  const code = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, code)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}

/** Replaces the command in one go: nodes may be starting from it. */
async function main(): Promise<void> {
  const [target, next, old] = ["cli", "cli.next", "cli.old"].map((name) => path.join(packageFolder, "dist", name));
  const remove = (folder: string) => fs.rmSync(folder, { recursive: true, force: true });
  for (const folder of [next!, old!]) remove(folder);
  const licences = bundledPackages(await bundleInto(next!))
    .map(licenceOf)
    .sort();
  fs.writeFileSync(path.join(next!, licencesFile), `${licences.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
  if (fs.existsSync(target!)) fs.renameSync(target!, old!);
  fs.renameSync(next!, target!);
  remove(old!);
}

await main();
