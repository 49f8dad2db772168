import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A Node.js that is not the one that runs this. */
export interface OtherNode {
  readonly program: string;
  readonly version: string;
}

/** The oldest that a node runs on. */
const oldest = [20, 19] as const;

/** What this repository has beside its own, for the SDKs to be tried on; the one that most people have first. */
const dependencies = ["node-22", "node-26", "node-20"].map((name) =>
  fileURLToPath(new URL(`../../../packages/runtimes/node_modules/${name}/bin/node`, import.meta.url)),
);

/**
 * The program that was asked for; else one of this repository's dependencies; else the machine's own, if it is another version. Null if
 * there is none.
 * @throws {Error} if what was asked for does not run, is the same version, or is too old for a node.
 */
export async function findOtherNode(
  asked: string | null,
  found: readonly string[] = [...dependencies, ...onPath(process.env.PATH ?? "")],
): Promise<OtherNode | null> {
  if (asked !== null) {
    const version = await versionOf(asked);
    const wrong = whyNot(version);
    if (wrong !== null) throw new Error(`--other-node is ${asked}, but ${wrong}`);
    return { program: asked, version };
  }
  for (const program of found) {
    const version = await versionOf(program).catch(() => null);
    if (version !== null && whyNot(version) === null) return { program, version };
  }
  return null;
}

function onPath(folders: string): readonly string[] {
  return folders
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "node"));
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ["--version"]);
  return stdout.trim();
}

/** Why a version will not do; null: it will. */
function whyNot(version: string): string | null {
  const [, major, minor] = (/^v(\d+)\.(\d+)\./.exec(version) ?? []).map(Number);
  if (major === undefined || minor === undefined) return `it says ${version} of its version`;
  if (version === process.version) return `that is the version that the others run on, ${version}`;
  const isOlder = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
  return isOlder ? `a node needs Node.js ${oldest.join(".")} and it is ${version}` : null;
}
