import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a bundler made of a few lines of a user's. */
export interface Bundle {
  /** Minified, and compressed as a web server does. Bytes. */
  readonly gzipBytes: number;
  readonly minifiedBytes: number;
  /** Minified bytes by module, `PACKAGE/FILE`; modules of which nothing is left are not there. */
  readonly modules: ReadonlyMap<string, number>;
  /** What stays an import beside what users bring: built-in modules of some runtime, and what was not found. */
  readonly external: readonly string[];
  /** Names that it exports. */
  readonly exports: readonly string[];
}

/** What a user's project brings: an entry that is for it takes it from there. */
const brought = ["react"];

/** Bundles code for a browser as a user's bundler would, with the packages that a project has installed. */
export async function bundle(code: string, project: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: project },
    ...{ bundle: true, minify: true, treeShaking: true, format: "esm", platform: "browser", target: "es2022" },
    // A module of Node's own is told of by our check, in place of an error here.
    external: ["node:*", ...brought],
    ...{ write: false, metafile: true, logLevel: "silent" },
  });
  const [output] = Object.values(metafile.outputs);
  const [file] = outputFiles;
  const inputs = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    gzipBytes: gzipSync(file!.contents, { level: 9 }).length,
    minifiedBytes: file!.contents.length,
    modules: new Map(inputs.map(([input, { bytesInOutput }]) => [moduleName(input), bytesInOutput])),
    external: output!.imports.map((each) => each.path).filter((path) => !brought.includes(path)),
    exports: output!.exports,
  };
}

/** `PACKAGE/FILE` of a path below the innermost node_modules, with `/` between on every system. */
function moduleName(input: string): string {
  return input.split(path.sep).join("/").split("node_modules/").at(-1)!;
}

/** The heaviest packages of a bundle, in a line: where to look when it has grown. */
export function describeBundle({ gzipBytes, minifiedBytes, modules }: Bundle): string {
  const byPackage = new Map<string, number>();
  for (const [module, bytes] of modules) {
    const name = module
      .split("/")
      .slice(0, module.startsWith("@") ? 2 : 1)
      .join("/");
    byPackage.set(name, (byPackage.get(name) ?? 0) + bytes);
  }
  const heaviest = [...byPackage].sort(([, one], [, other]) => other - one).slice(0, 6);
  const parts = heaviest.map(([name, bytes]) => `${name} ${kilobytes(bytes)}`).join(", ");
  return `${kilobytes(gzipBytes)} gzip, ${kilobytes(minifiedBytes)} minified: ${parts}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}
