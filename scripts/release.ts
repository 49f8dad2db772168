/** `npm run release`: the next version of all packages, or their publication. CONTRIBUTING.md says when which. */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { pinnedPnpm, publishedPackages, removeStaleOutput } from "./pack.ts";
import { runCommand } from "./run-command.ts";

const help = `npm run release -- --version | --dry-run | --publish
  --version  gathers the changesets into CHANGELOG.md files and gives every package the next version
  --dry-run  does all that a publication does but the upload, and lists the packages
  --publish  publishes what npm does not have yet and tags it; in CI, with id-token: write for the provenance
`;

/** A version that a source names because it must tell it to servers. */
const namedVersion = /\bVERSION = "[^"]*"/g;

/** Gives every source of a package that names its own version the one that its package.json has. Returns the files changed. */
export function writeVersions(folder: string): readonly string[] {
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  return fs.globSync("src/**/*.ts", { cwd: folder }).filter((name) => {
    const file = path.join(folder, name);
    const text = fs.readFileSync(file, "utf8");
    const renewed = text.replace(namedVersion, `VERSION = ${JSON.stringify(version)}`);
    if (renewed !== text) fs.writeFileSync(file, renewed);
    return renewed !== text;
  });
}

/** The pinned pnpm is on the command's PATH, where changesets look for it. */
async function withPnpm(command: readonly string[]): Promise<void> {
  const flags = ["--yes", "--package", pinnedPnpm(), "--", ...command];
  const { failure } = await runCommand("npx", flags, { timeoutMs: 900_000 });
  if (failure !== null) throw new Error(`${failure}; its output is above`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      version: { type: "boolean" },
      "dry-run": { type: "boolean" },
      publish: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const packages = publishedPackages();
  if (values.version === true) {
    await withPnpm(["changeset", "version"]);
    for (const { name, folder } of packages) {
      for (const file of writeVersions(folder)) process.stderr.write(`release: ${name}: ${file}\n`);
    }
    return;
  }
  if (values["dry-run"] !== true && values.publish !== true) {
    process.stdout.write(help);
    if (values.help !== true) process.exitCode = 2;
    return;
  }
  for (const { folder } of packages) removeStaleOutput(folder);
  if (values["dry-run"] === true) await withPnpm(["pnpm", "-r", "publish", "--dry-run", "--no-git-checks"]);
  else await withPnpm(["changeset", "publish"]);
}

if (import.meta.main) await main();
