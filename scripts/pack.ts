/** `npm run pack`: every published package as a file, so that an application can install them before they are on npm. */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { bundledFiles } from "./bundled-files.ts";
import { inRepository } from "./repository.ts";
import { killCommands, runCommand } from "./run-command.ts";

const help = `npm run pack -- [--out FOLDER] [--json]
  --out   where the files go (packs/ in the clone)
  --json  one line of JSON on standard output: folder, packages with file and bytes
`;

/** A package that is published, and where it lies. */
export interface PublishedPackage {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
}

/** A package as a file. */
export interface Pack {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
}

/** Packages of the workspace that are not private, by name. */
export function publishedPackages(): readonly PublishedPackage[] {
  return fs
    .readdirSync(inRepository("packages"))
    .map((name) => inRepository("packages", name))
    .filter((folder) => fs.existsSync(path.join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The same name for every version, so that what was typed once works again: `quorumguard-sdk-node.tgz`. */
export function packFileName(packageName: string): string {
  return `${packageName.replace(/^@/, "").replaceAll("/", "-")}.tgz`;
}

/**
 * Removes from `dist` what no source stands for any more: the compiler only adds, and a pack must not carry what a
 * fresh clone would not build. A bundled command is kept as far as it loads itself. Returns what it removed, relative to the package.
 */
export function removeStaleOutput(folder: string): readonly string[] {
  const outputs = fs.existsSync(path.join(folder, "dist"))
    ? fs.readdirSync(path.join(folder, "dist"), { recursive: true, withFileTypes: true })
    : [];
  const stale = outputs
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(path.join(folder, "dist"), path.join(entry.parentPath, entry.name)))
    .filter((name) => {
      const bundled = bundledFiles(path.join(folder, "dist", path.dirname(name)));
      if (bundled !== null) return !bundled.has(path.basename(name));
      return !fs.existsSync(path.join(folder, "src", name.replace(/(\.d)?\.(ts|js)(\.map)?$/, ".ts")));
    });
  for (const name of stale) fs.rmSync(path.join(folder, "dist", name));
  return stale.map((name) => path.join("dist", name)).sort();
}

/** The workspace's pnpm as `npx` takes it: `pnpm@1.2.3`, without the hash. */
export function pinnedPnpm(): string {
  const { packageManager } = JSON.parse(fs.readFileSync(inRepository("package.json"), "utf8")) as {
    packageManager: string;
  };
  return packageManager.split("+")[0]!;
}

/** Packs every published package into a folder, with `workspace:` turned into versions. One pnpm packs all: a start costs more than a pack. */
export async function packAll(out: string): Promise<readonly Pack[]> {
  const packages = publishedPackages();
  fs.mkdirSync(out, { recursive: true });
  for (const { name, folder } of packages) {
    const stale = removeStaleOutput(folder);
    if (stale.length > 0) process.stderr.write(`pack: removed ${stale.length} files without a source from ${name}\n`);
    // What an earlier run left must not stand for what this one did not write.
    fs.rmSync(path.join(out, packFileName(name)), { force: true });
  }
  const chosen = packages.map(({ name }) => `--filter=${name}`);
  const flags = ["--yes", pinnedPnpm(), "--recursive", ...chosen, "pack", "--json", "--out", path.join(out, "%s.tgz")];
  const { failure, stdout } = await runCommand("npx", flags, { timeoutMs: 300_000, capture: true });
  if (failure !== null) throw new Error(`${failure}; its output is above\n${stdout}`);
  return packages.map(({ name }) => {
    const file = path.join(out, packFileName(name));
    return { name, file, bytes: fs.statSync(file).size };
  });
}

function readManifest(folder: string): { readonly name: string; readonly private?: boolean } {
  return JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return;
  }
  const out = values.out === undefined ? inRepository("packs") : path.resolve(values.out);
  const packs = await packAll(out);
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ folder: out, packages: packs })}\n`);
    return;
  }
  const width = Math.max(...packs.map(({ file }) => path.basename(file).length));
  for (const { file, bytes } of packs) {
    process.stdout.write(`${path.basename(file).padEnd(width)}  ${Math.ceil(bytes / 1_024)} KiB\n`);
  }
  // The shell expands the star, which must stay outside the quotes.
  const quoted = /^[\w./-]+$/.test(out) ? `${out}/` : `'${out}/'`;
  process.stdout.write(`\nIn a folder of your own:\n\n  npm install ${quoted}*.tgz\n\n`);
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      killCommands();
      process.exit(1);
    });
  }
  await main();
}
