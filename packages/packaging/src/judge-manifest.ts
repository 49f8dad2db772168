import { type Manifest, namedFiles, type PublishedPackage } from "./published-package.ts";

/** Where the sources are; provenance is refused for a package that names another place than it was built in. */
export const repositoryUrl = "git+https://github.com/quorumguard/quorumguard.git";

/** What every package says alike, and what is wrong where one says otherwise. */
export function judgeManifest({ folder, manifest, files }: PublishedPackage): readonly string[] {
  const wanted: readonly [field: string, value: unknown, expected: unknown][] = [
    ["license", manifest.license, "MIT"],
    ["type", manifest.type, "module"],
    ["sideEffects", manifest.sideEffects, false],
    ["engines.node", manifest.engines?.node, ">=20.19.0"],
    ["repository.type", manifest.repository?.type, "git"],
    ["repository.url", manifest.repository?.url, repositoryUrl],
    ["repository.directory", manifest.repository?.directory, `packages/${folder}`],
    ["publishConfig.access", manifest.publishConfig?.access, "public"],
    ["publishConfig.provenance", manifest.publishConfig?.provenance, true],
  ];
  const found = wanted
    .filter(([, value, expected]) => value !== expected)
    .map(([field, value, expected]) => `${field} is ${JSON.stringify(value)}, and must be ${JSON.stringify(expected)}`);
  if (manifest.private === true) found.push("private is true, yet it was packed");
  if ((manifest.description ?? "").length < 20) found.push("description is missing or says nothing");
  return [...found, ...judgeDependencies(manifest), ...judgeNamedFiles(manifest, files)];
}

/** What a process must have once, the user's own included: any version that fits is right. */
const sharedWithUsers = new Set(["@opentelemetry/api"]);

/** Versions, no workspace: `workspace:*` and `catalog:` mean nothing to a user's package manager. */
function judgeDependencies({ version, dependencies = {} }: Manifest): readonly string[] {
  return Object.entries(dependencies).flatMap(([name, range]) => {
    if (sharedWithUsers.has(name) && /^\^\d+\.\d+\.\d+$/.test(range)) return [];
    if (!/^\d+\.\d+\.\d+/.test(range)) return [`dependencies.${name} is ${range}, and must be an exact version`];
    if (name.startsWith("@quorumguard/") && range !== version)
      return [`dependencies.${name} is ${range}, and must be this package's own version ${version}`];
    return [];
  });
}

/** Every file that the package.json names is there, and what a reader looks for. */
function judgeNamedFiles(manifest: Manifest, files: readonly string[]): readonly string[] {
  const named = namedFiles(manifest);
  const problems = named.length === 0 ? ["exports names no file"] : [];
  const wanted = [...named, "README.md", "LICENSE"];
  return [
    ...problems,
    ...wanted.filter((file) => !files.includes(file)).map((file) => `${file} is not in the tarball`),
  ];
}
