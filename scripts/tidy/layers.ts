import path from "node:path";
import { type Finding, isTestFile, packageOf, type SourceFile } from "./source-file.ts";

/**
 * Who may import whom, nearest first. `proto`, `limiter` and `raft` are the bottom and know no other package.
 * `testbed` starts the built command and imports nothing; besides tests, only private packages may use it.
 * A package that is not listed here belongs to no layer yet, which is a finding.
 */
const allowedPackages: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  limiter: [],
  raft: [],
  "sdk-core": ["limiter", "proto"],
  "sdk-node": ["sdk-core", "limiter", "proto"],
  "sdk-web": ["sdk-core", "limiter", "proto"],
  middleware: ["sdk-core"],
  cluster: ["raft", "limiter", "proto"],
  audit: ["limiter", "proto", "raft"],
  exactness: ["audit", "limiter"],
  sim: ["audit", "exactness", "cluster", "sdk-node", "sdk-web", "sdk-core", "raft", "limiter", "proto"],
  testbed: [],
  packaging: ["testbed", "sdk-node", "sdk-web"],
  nemesis: ["audit", "exactness", "pictures", "testbed", "cluster", "sdk-node", "limiter", "proto"],
  pictures: [],
  browsers: ["testbed", "sdk-node", "sdk-web", "proto"],
  runtimes: ["testbed", "cluster", "sdk-node", "sdk-web", "sdk-core", "proto"],
};

/** Folders of `packages/cluster/src`, from the bottom. Two folders of one height do not know each other. */
const clusterHeights: Readonly<Record<string, number>> = {
  ...{ storage: 1, transport: 1, node: 2, server: 3 },
  ...{ cli: 4, "testing-kit": 4 },
};

/** Folders of `packages/cluster/src` that are clients of a cluster as well. */
const clusterClients = ["cli", "testing-kit"];

/** What runs everywhere, and so may not import Node's own modules. */
const runtimeNeutral = new Set(["proto", "limiter", "raft", "sdk-core", "sdk-web", "middleware"]);

const scope = "@quorumguard/";

/** Imports go down the layers of HOUSE.md, by package name across packages and with `.ts` inside one. */
export function checkLayers(file: SourceFile): readonly Finding[] {
  const found: Finding[] = [];
  for (const { specifier, line } of file.imports) {
    const message = specifier.startsWith(".") ? checkRelative(file, specifier) : checkPackage(file, specifier);
    if (message !== null) found.push({ path: file.path, line, message });
  }
  return found;
}

function checkPackage(file: SourceFile, specifier: string): string | null {
  const from = packageOf(file.path);
  const inPackage = file.path.startsWith("packages/");
  if (specifier.startsWith("node:")) {
    if (!inPackage || isTestFile(file.path) || !runtimeNeutral.has(from)) return null;
    return `${from} runs on every runtime and may not import ${specifier}; take what it needs as an option`;
  }
  if (!specifier.startsWith(scope)) return null;
  const target = specifier.slice(scope.length).split("/")[0] ?? "";
  if (target === from) return `imports its own package as ${specifier}; import the file beside it`;
  if (target === "sim") return "nothing imports sim; move what is shared below both";
  if (!inPackage || isTestFile(file.path)) return null;
  const allowed = allowedPackages[from];
  if (allowed === undefined) return `package ${from} has no layer; give it one in scripts/tidy/layers.ts`;
  if (allowed.includes(target)) return null;
  if (from === "cluster" && target === "sdk-node" && clusterClients.includes(clusterFolder(file.path))) return null;
  return `${from} may not import ${target}: layers go down only (${from} → ${allowed.join(", ") || "nothing"})`;
}

function checkRelative(file: SourceFile, specifier: string): string | null {
  if (!/\.(tsx?|mjs|json)$/.test(specifier)) return `import "${specifier}" with its extension, .ts`;
  if (!file.path.startsWith("packages/") || isTestFile(file.path)) return null;
  const target = path.posix.join(path.posix.dirname(file.path), specifier);
  const from = packageOf(file.path);
  // These run and read parts that no package exports; they are private, and see everything.
  if (from === "sim" || from === "nemesis" || from === "browsers") return null;
  if (!target.startsWith(`packages/${from}/`))
    return `leaves its package by "${specifier}"; import the package by name`;
  if (isTestFile(target)) return `imports ${specifier}, which only tests may`;
  return from === "cluster" ? checkClusterFolders(file.path, target) : null;
}

/** First folder below `packages/cluster/src`; empty for files that lie in it directly. */
function clusterFolder(file: string): string {
  const rest = file.slice("packages/cluster/src/".length).split("/");
  return rest.length > 1 ? (rest[0] ?? "") : "";
}

function checkClusterFolders(file: string, target: string): string | null {
  if (path.posix.basename(file) === "index.ts" && clusterFolder(file) === "") return null;
  const [from, to] = [clusterFolder(file), clusterFolder(target)];
  if (from === to || to === "") return null;
  if (from === "") return `a file beside index.ts is shared by all folders, and may not import ${to}/`;
  const [height, below] = [clusterHeights[from], clusterHeights[to]];
  if (height === undefined || below === undefined) {
    return `folder ${height === undefined ? from : to}/ has no layer; give it one in scripts/tidy/layers.ts`;
  }
  return height > below ? null : `${from}/ may not import ${to}/: cli → server → node → {storage, transport}`;
}
