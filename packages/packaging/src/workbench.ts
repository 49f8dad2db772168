import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { closureOf, type PublishedPackage, readPublished } from "./published-package.ts";
import { type ProgramResult, runProgram } from "./run-program.ts";

/** What all checks share: every published package packed once, unpacked, and installed. */
export interface Workbench {
  /** Absolute; the packages lie below it by their folders' names. */
  readonly unpacked: string;
  /** Absolute; the tarballs by their packages' folders' names. */
  readonly tarballs: Readonly<Record<string, string>>;
  /** A project with every package and Node's types. */
  readonly service: InstalledProject;
  /** A project with the SDK for the edge alone, and without Node's types. */
  readonly edge: InstalledProject;
}

/** A user's project into which npm installed tarballs. */
export interface InstalledProject {
  readonly folder: string;
  /** What npm said if it failed, else null. */
  readonly failure: string | null;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const manifest = JSON.parse(fs.readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** A path inside the workspace, absolute. */
export function inWorkspace(...parts: readonly string[]): string {
  return path.join(root, ...parts);
}

/**
 * Packs by `npm run pack`'s own script and installs as a user would, from the registry or what npm's cache has of it.
 * @throws {Error} when packing fails: there is nothing to check then.
 */
export async function prepareWorkbench(folder: string): Promise<Workbench> {
  const packed = await packAll(path.join(folder, "packs"));
  const unpacked = path.join(folder, "unpacked");
  const tarballs: Record<string, string> = {};
  for (const { name, file } of packed) {
    const short = name.replace("@quorumguard/", "");
    fs.mkdirSync(path.join(unpacked, short), { recursive: true });
    const flags = ["xzf", file, "-C", path.join(unpacked, short), "--strip-components=1"];
    const { status, stderr } = await runProgram("tar", flags, { cwd: folder, timeoutMs: 60_000 });
    if (status !== 0) throw new Error(`${file} does not unpack: ${stderr}`);
    tarballs[short] = file;
  }
  const published = readPublished(unpacked);
  const filesOf = (packages: readonly PublishedPackage[]) => packages.map((each) => tarballs[each.folder]!);
  // npm installs what is not ours at the latest version; our own Node's types are the ones that the compilers are given.
  const nodeTypes = `@types/node@${installedVersion("@types/node")}`;
  const [service, edge] = await Promise.all([
    install(path.join(folder, "a service"), [...filesOf(published), nodeTypes]),
    install(path.join(folder, "an edge worker"), filesOf(closureOf("@quorumguard/sdk-web", published))),
  ]);
  for (const each of published) linkPeers(each, service.folder);
  return { unpacked, tarballs, service, edge };
}

async function packAll(folder: string): Promise<readonly { readonly name: string; readonly file: string }[]> {
  const flags = ["--conditions=quorumguard-source", inWorkspace("scripts", "pack.ts"), "--json", "--out", folder];
  const result = await runProgram(process.execPath, flags, { cwd: root, timeoutMs: 180_000 });
  if (result.status !== 0) throw new Error(`npm run pack ended with ${result.status}: ${tell(result)}`);
  return JSON.parse(result.stdout.trimEnd().split("\n").at(-1)!).packages;
}

async function install(folder: string, packages: readonly string[]): Promise<InstalledProject> {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const flags = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier", ...packages];
  const result = await runProgram("npm", flags, { cwd: folder, timeoutMs: 180_000 });
  return { folder, failure: result.status === 0 ? null : `npm install ended with ${result.status}: ${tell(result)}` };
}

/** What a package expects its user to bring is what the workspace tests it with; npm brings no optional peer. */
function linkPeers({ folder, manifest: { peerDependencies = {} } }: PublishedPackage, project: string): void {
  const peers = Object.keys(peerDependencies).flatMap((name) => [
    name,
    `@types/${name.replace(/^@/, "").replace("/", "__")}`,
  ]);
  for (const name of peers) {
    const own = inWorkspace("packages", folder, "node_modules", name);
    const target = path.join(project, "node_modules", name);
    if (!fs.existsSync(own) || fs.existsSync(target)) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.symlinkSync(fs.realpathSync(own), target, "junction");
  }
}

function installedVersion(name: string): string {
  if (manifest.devDependencies[name] === undefined) throw new Error(`${name} is no devDependency of packaging`);
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(fs.readFileSync(file, "utf8")).version;
}

function tell({ stdout, stderr }: ProgramResult): string {
  return `${stderr}${stdout}`.slice(-4_000);
}
