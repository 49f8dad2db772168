import fs from "node:fs";
import path from "node:path";

/** The part of a published `package.json` that is checked. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly description?: string;
  readonly type?: string;
  readonly sideEffects?: unknown;
  readonly engines?: { readonly node?: string };
  readonly repository?: { readonly type?: string; readonly url?: string; readonly directory?: string };
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean };
  readonly bin?: Readonly<Record<string, string>>;
  /** By subpath: one file, or one for each condition. */
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A module that users import: a subpath of a package's `exports` that is code. */
export interface Entry {
  /** As it is imported: `@quorumguard/sdk-web/edge`. */
  readonly specifier: string;
  /** The folder of its package, beside the others. */
  readonly folder: string;
  /** True if it needs a package that the user brings, after which it is named: `./hono`, or `./nest` of `@nestjs/common`. */
  readonly hasPeers: boolean;
}

/** A package as it would be published. */
export interface PublishedPackage {
  readonly name: string;
  /** Its folder's name below `packages/`, and below where the files are unpacked. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** All files of the tarball, by their path in the package, in order. */
  readonly files: readonly string[];
  /** Where they lie unpacked, absolute. */
  readonly unpacked: string;
}

/** All unpacked packages of a folder, by name: whatever was packed, none is listed here. */
export function readPublished(folder: string): readonly PublishedPackage[] {
  return fs
    .readdirSync(folder)
    .sort()
    .map((name) => {
      const unpacked = path.join(folder, name);
      const manifest = JSON.parse(fs.readFileSync(path.join(unpacked, "package.json"), "utf8")) as Manifest;
      return { name: manifest.name, folder: name, manifest, files: listFiles(unpacked), unpacked };
    });
}

/** Every module that a package offers; a subpath that names data, such as a schema, is none. */
export function entriesOf({ name, folder, manifest }: PublishedPackage): readonly Entry[] {
  const peers = Object.keys(manifest.peerDependencies ?? {});
  return Object.keys(manifest.exports)
    .filter((subpath) => !subpath.endsWith(".json"))
    .map((subpath) => {
      const hasPeers = subpath !== "." && peers.some((peer) => peer.includes(subpath.slice(2)));
      return { specifier: name + subpath.slice(1), folder, hasPeers };
    });
}

/** The files that a package.json names: what `exports` leads to under any condition, and the commands. */
export function namedFiles({ bin = {}, exports }: Manifest): readonly string[] {
  const filesOf = (entry: Manifest["exports"][string]) => (typeof entry === "string" ? [entry] : Object.values(entry));
  return [...Object.values(bin), ...Object.values(exports).flatMap(filesOf)].map((file) => path.posix.normalize(file));
}

/** A package and all of ours that it depends on, by name. */
export function closureOf(name: string, published: readonly PublishedPackage[]): readonly PublishedPackage[] {
  const found = new Set<PublishedPackage>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const one = published.find((each) => each.name === next);
    if (one === undefined || found.has(one)) continue;
    found.add(one);
    queue.push(...Object.keys(one.manifest.dependencies ?? {}));
  }
  return published.filter((each) => found.has(each));
}

function listFiles(folder: string): readonly string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
}
