/**
 * The way in: `node scripts/bootstrap.mjs NAME [FLAGS]`, on any Node from 20 on with npm beside it.
 *
 * Brings the pinned pnpm, installs from the lockfile, builds, makes sure of the pinned Node, then runs the script
 * NAME with it. Plain JavaScript and no imports but Node's own, because it runs before anything is installed.
 * Everything that it says itself goes to stderr: stdout belongs to the script.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";

/**
 * What a first visit needs: the scripts, the cluster and the SDKs with what they depend on. The rest of the workspace,
 * with its site builder and four more runtimes, is over a gigabyte.
 */
const product = ["quorumguard", "@quorumguard/cluster", "@quorumguard/sdk-web"];

/** Who measures failovers, and the built command that it starts. */
const failover = [...product, "@quorumguard/nemesis"];

/** The programs of the exactness audit, and the built command that it starts. */
const exactness = [...product, "@quorumguard/exactness", "@quorumguard/sim", "@quorumguard/nemesis"];

/** The web SDK and the web example in real browsers, and the built command that they start. */
const browsers = [...product, "@quorumguard/browsers"];

/**
 * What a name runs. `file` is TypeScript for the pinned Node, `tool` a command of the workspace. `build: false` for
 * what needs no built packages, or builds them itself and reports on it. `only`: packages to install and to build with
 * their dependencies, in place of all, by the flags. A name that is not here is `scripts/NAME.ts`.
 */
const commands = {
  bootstrap: { build: true },
  build: { build: true, force: true },
  start: { build: true, only: () => product, file: "scripts/demo/main.ts" },
  test: { build: false, file: "scripts/test.ts" },
  "test:storage": { build: false, file: "scripts/test-storage.ts" },
  sim: { build: false, file: "packages/sim/src/cli.ts" },
  "conformance:raft": { build: false, file: "packages/raft/test/conformance.ts" },
  "conformance:histories": { build: false, file: "packages/audit/src/cli.ts" },
  nemesis: { build: true, file: "packages/nemesis/src/main.ts" },
  failover: { build: true, only: () => failover, file: "packages/nemesis/src/failover-main.ts" },
  exactness: { build: true, only: () => exactness, file: "packages/exactness/src/main.ts" },
  mutants: { build: false, file: "packages/sim/src/mutants-cli.ts" },
  bench: { build: true, file: "bench/src/main.ts" },
  "bench:guard": { build: false, file: "bench/src/guard-main.ts" },
  runtimes: { build: true, file: "packages/runtimes/src/main.ts" },
  "test:browser": { build: true, only: () => browsers, file: "packages/browsers/src/main.ts" },
  quorumguard: { build: true, only: () => product, file: "packages/cluster/src/cli/main.ts" },
  example: {
    build: true,
    only: ([name]) => [...product, `@quorumguard/example-${name ?? ""}`],
    file: "scripts/example.ts",
  },
  pack: { build: true, only: () => [...product, "@quorumguard/middleware"], file: "scripts/pack.ts" },
  docs: { build: true, file: "docs/src/main.ts" },
  dashboard: { build: false, file: "deploy/src/dashboard/main.ts" },
  tidy: { build: false, file: "scripts/tidy.ts" },
  generate: { build: false, file: "scripts/generate.ts" },
  check: { build: false, tool: "biome", flags: ["check", "--write"] },
  changeset: { build: false, tool: "changeset", flags: [] },
  release: { build: true, file: "scripts/release.ts" },
};

/** Something that the user can act on: printed without a stack. */
class BootstrapError extends Error {}

function say(message) {
  process.stderr.write(`bootstrap: ${message}\n`);
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

function exists(...parts) {
  return fs.existsSync(path.join(root, ...parts));
}

/**
 * The environment for npm, pnpm and the scripts. `npm run` exports its whole configuration, which pnpm and a nested
 * npx would take for settings of ours; only what reaches the registry may pass.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @param {string[]} prefix Folders to put first on PATH.
 * @returns {NodeJS.ProcessEnv}
 */
export function cleanEnvironment(environment, prefix = []) {
  const kept = /^npm_config_(registry|userconfig|cache|cafile|ca|proxy|https_proxy|noproxy|strict_ssl)$/i;
  /** @type {NodeJS.ProcessEnv} */
  const clean = {};
  for (const [name, value] of Object.entries(environment)) {
    if (/^npm_/i.test(name) && (!kept.test(name) || value === "")) continue;
    clean[name] = value;
  }
  // A production machine still needs the tools that build.
  delete clean.NODE_ENV;
  delete clean.INIT_CWD;
  const pathName = Object.keys(clean).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  clean[pathName] = [...prefix, clean[pathName]].filter(Boolean).join(path.delimiter);
  return { ...clean, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_UPDATE_NOTIFIER: "1" };
}

/**
 * The script that a name stands for.
 *
 * @param {string} name
 * @param {(file: string) => boolean} isFile
 */
export function resolveCommand(name, isFile = (file) => exists(file)) {
  if (!/^[a-z][a-z0-9-]*(:[a-z0-9-]+)?$/.test(name)) {
    throw new BootstrapError(`the name must be kebab-case, and is ${JSON.stringify(name)}`);
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : { build: false, file: `scripts/${name}.ts` };
  if (command.file !== undefined && !isFile(command.file)) {
    throw new BootstrapError(
      `"${name}" would run ${command.file}, which does not exist; known names: ${Object.keys(commands).join(", ")}`,
    );
  }
  return command;
}

/** What pnpm-workspace.yaml says; there is no YAML reader before the installation, so a test compares them. */
export const workspacePatterns = ["packages/*", "bench", "deploy", "docs", "examples/*"];

/** Folders of the workspace's packages. */
function packageFolders() {
  const listed = workspacePatterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    const names = exists(parent) ? fs.readdirSync(path.join(root, parent)).sort() : [];
    return names.map((name) => `${parent}/${name}`);
  });
  return listed.filter((folder) => exists(folder, "package.json"));
}

/**
 * The folders of the named packages and of every package of the workspace that they depend on; the root's is "".
 *
 * @param {string[]} folders
 * @param {string[]} names
 */
export function foldersOf(folders, names, manifestOf = (folder) => readJson(path.join(root, folder, "package.json"))) {
  const byName = new Map(["", ...folders].map((folder) => [manifestOf(folder).name, folder]));
  const found = new Set();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const folder = byName.get(name);
    if (folder === undefined || found.has(folder)) continue;
    found.add(folder);
    const { dependencies = {}, devDependencies = {} } = manifestOf(folder);
    queue.push(...Object.keys(dependencies), ...Object.keys(devDependencies));
  }
  return [...found].sort();
}

/** What the installation depends on, as one hash. */
function installFingerprint(folders) {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"];
  for (const file of [...files, ...folders.map((folder) => `${folder}/package.json`)]) {
    hash
      .update(`${file}\0`)
      .update(fs.readFileSync(path.join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function isInstalled(folders) {
  if (!exists("node_modules", ".modules.yaml") || !exists("node_modules", ".bin", windows ? "tsc.cmd" : "tsc")) {
    return false;
  }
  return folders.every((folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson(path.join(root, folder, "package.json"));
    const wanted = Object.keys(dependencies).length + Object.keys(devDependencies).length > 0;
    return !wanted || exists(folder, "node_modules");
  });
}

/** What the build depends on, as one hash of names, sizes and times; turbo then decides by content. */
function buildFingerprint(folders, installed) {
  const hash = createHash("sha256").update(installed);
  const add = (file) => {
    const { size, mtimeMs } = fs.statSync(path.join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  };
  for (const file of ["turbo.json", "tsconfig.base.json", "scripts/bundle-command.ts"]) add(file);
  // What the others write for themselves, such as the site its pages, is in no build.
  for (const folder of folders.filter((each) => hasBuild(readJson(path.join(root, each, "package.json"))))) {
    for (const file of ["tsconfig.json", "tsconfig.build.json"]) if (exists(folder, file)) add(`${folder}/${file}`);
    if (!exists(folder, "src")) continue;
    const files = fs.readdirSync(path.join(root, folder, "src"), { recursive: true, withFileTypes: true });
    const sources = files
      .filter((file) => file.isFile() && !file.name.endsWith(".test.ts"))
      .map((file) => path.relative(root, path.join(file.parentPath ?? file.path, file.name)))
      .sort();
    for (const file of sources) add(file);
  }
  return hash.digest("hex");
}

function isBuilt(folders) {
  return folders.every(
    (folder) => !hasBuild(readJson(path.join(root, folder, "package.json"))) || exists(folder, "dist"),
  );
}

/** The root's own build is this script. */
function hasBuild({ name, scripts = {} }) {
  return name !== "quorumguard" && scripts.build !== undefined;
}

/** Stamps live inside node_modules, so that whoever removes it removes them too. */
const stampFolder = path.join(root, "node_modules", ".cache", "quorumguard");

function readStamp(name) {
  try {
    return fs.readFileSync(path.join(stampFolder, name), "utf8");
  } catch {
    return "";
  }
}

function writeStamp(name, value) {
  fs.mkdirSync(stampFolder, { recursive: true });
  const temporary = path.join(stampFolder, `${name}.${process.pid}`);
  fs.writeFileSync(temporary, value);
  fs.renameSync(temporary, path.join(stampFolder, name));
}

/** Runs a command with its output on stderr; rejects unless it exits with 0. */
function run(what, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: cleanEnvironment(process.env),
      stdio: ["ignore", 2, 2],
      shell: windows,
    });
    child.on("error", (error) =>
      reject(new BootstrapError(`${what}: cannot start ${command} (${error.message}); npm must be installed`)),
    );
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new BootstrapError(`${what} failed (${signal ?? `exit status ${code}`}); its output is above`));
    });
  });
}

const lockFile = path.join(root, ".bootstrap.lock");
const lockBeatMs = 1_000;
/** A holder that has not touched its lock for so long is gone, whatever machine or container it ran in. */
const lockExpiryMs = 20_000;

function lockHolder() {
  try {
    const { pid, host } = readJson(lockFile);
    const idleMs = Date.now() - fs.statSync(lockFile).mtimeMs;
    return { pid, host, idleMs };
  } catch {
    return null;
  }
}

function isAlive({ pid, host, idleMs }) {
  if (idleMs > lockExpiryMs) return false;
  if (host !== os.hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes the lock by linking a complete file into place: whoever reads it never sees half of it. */
function tryLock() {
  const own = `${lockFile}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, host: os.hostname() });
  fs.writeFileSync(own, text);
  try {
    fs.linkSync(own, lockFile);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    // Some file systems have no links; then whoever reads half a file sees no holder, and asks again.
    return createExclusively(text);
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function createExclusively(text) {
  try {
    fs.writeFileSync(lockFile, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead holder's lock away. If another waiter was faster and the lock is alive again, it is put back. */
function breakLock(dead) {
  const moved = `${lockFile}.${process.pid}.dead`;
  try {
    fs.renameSync(lockFile, moved);
    if (readJson(moved).pid !== dead.pid) fs.linkSync(moved, lockFile);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
  } finally {
    fs.rmSync(moved, { force: true });
  }
}

/** Runs `work` while no other bootstrap of this clone does: two package managers in one tree corrupt it. */
async function withLock(work) {
  let told = false;
  while (!tryLock()) {
    const holder = lockHolder();
    if (holder !== null && !isAlive(holder)) {
      breakLock(holder);
      continue;
    }
    if (holder !== null && !told) say(`waiting for another bootstrap, process ${holder.pid}`);
    told ||= holder !== null;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const beat = setInterval(() => {
    try {
      fs.utimesSync(lockFile, new Date(), new Date());
    } catch {
      // Broken by someone who took us for dead, as after a suspension: pnpm and turbo still check their own state.
    }
  }, lockBeatMs);
  const release = () => fs.rmSync(lockFile, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.off("exit", release);
    release();
  }
}

/**
 * Does `work` unless the stamp says that it was done for the same `wanted`: for all packages, which is enough for a
 * part of them as well, or for this part.
 *
 * @param {string} name
 * @param {{ wanted: string, part: string, isDone: () => boolean, force?: boolean, work: () => Promise<void> }} step
 */
async function unlessDone(name, { wanted, part, isDone, force = false, work }) {
  if (!force && [name, name + part].some((stamp) => readStamp(stamp) === wanted) && isDone()) return;
  await work();
  writeStamp(name + part, wanted);
}

/** What a stamp's name ends in for a part of the workspace; empty for the whole. */
function partName(only, folders) {
  return only === undefined ? "" : `-${createHash("sha256").update(folders.join()).digest("hex").slice(0, 12)}`;
}

async function install(folders, pnpm, only) {
  const wanted = installFingerprint(folders);
  const work = () => {
    say(`installing with ${pnpm}`);
    const flags = ["--frozen-lockfile", "--prod=false", "--config.confirmModulesPurge=false", "--reporter=append-only"];
    const filters = (only ?? []).flatMap((name) => ["--filter", `${name}...`]);
    return run("install", "npx", ["--yes", pnpm, ...filters, "install", ...flags]);
  };
  const needed = only === undefined ? folders : foldersOf(folders, only);
  await unlessDone("install", { wanted, part: partName(only, needed), isDone: () => isInstalled(needed), work });
  return wanted;
}

async function build(folders, pnpm, installed, { only, force = false }) {
  const wanted = buildFingerprint(folders, installed);
  const needed = only === undefined ? folders : foldersOf(folders, only);
  const work = () => {
    say("building");
    const names = needed.map((folder) => readJson(path.join(root, folder, "package.json"))).filter(hasBuild);
    // npx puts the pinned pnpm on PATH, where turbo looks for it.
    const turbo = [
      ...["node_modules/.bin/turbo", "run", "build", "--output-logs=errors-only", "--ui=stream"],
      ...["--continue=dependencies-successful", ...names.map(({ name }) => `--filter=${name}`)],
    ];
    return run("build", "npx", ["--yes", "--package", pnpm, "--", ...turbo]);
  };
  await unlessDone("build", { wanted, part: partName(only, needed), isDone: () => isBuilt(needed), force, work });
}

/** The pinned Node that the lockfile installed; any other version here means a broken installation. */
function pinnedNode() {
  const { devDependencies } = readJson(path.join(root, "package.json"));
  const file = path.join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node");
  const remedy = "remove node_modules and try again";
  const { stdout, error } = spawnSync(file, ["--version"], { encoding: "utf8" });
  if (error) throw new BootstrapError(`the pinned Node does not start: ${error.message}; ${remedy}`);
  const found = stdout.trim();
  if (found !== `v${devDependencies.node}`) {
    throw new BootstrapError(`${file} is Node ${found}, pinned is v${devDependencies.node}; ${remedy}`);
  }
  return file;
}

/** Runs the script in this process's place, as far as Node can: same streams, same signals, same exit status. */
function handOver(command, args) {
  const child = spawn(command, args, {
    cwd: root,
    env: cleanEnvironment(process.env, [path.join(root, "node_modules", ".bin")]),
    stdio: "inherit",
    shell: windows && !command.endsWith(".exe"),
  });
  // On a terminal Ctrl-C reaches the whole group; sent on, it would count as a second one.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !terminal) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    say(`cannot start ${command}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function assertNodeRuns() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new BootstrapError(`Node ${process.versions.node} is too old to begin with; 20.19 or later is needed`);
  }
}

async function main([name = "bootstrap", ...flags]) {
  assertNodeRuns();
  const command = resolveCommand(name);
  const pnpm = readJson(path.join(root, "package.json")).packageManager.split("+")[0];
  const folders = packageFolders();
  await withLock(async () => {
    const only = command.only?.(flags);
    const installed = await install(folders, pnpm, only);
    if (command.build) await build(folders, pnpm, installed, { only, force: command.force });
  });
  const node = pinnedNode();
  if (command.file !== undefined) {
    handOver(node, ["--conditions=quorumguard-source", path.join(root, command.file), ...flags]);
  } else if (command.tool !== undefined) {
    handOver(path.join(root, "node_modules", ".bin", command.tool), [...command.flags, ...flags]);
  } else {
    say(`ready: Node ${readJson(path.join(root, "package.json")).devDependencies.node}, ${pnpm}`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  main(process.argv.slice(2)).catch((error) => {
    say(error instanceof BootstrapError ? error.message : error.stack);
    process.exitCode = 1;
  });
}
