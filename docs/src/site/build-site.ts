import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { generatePages } from "../generate/index.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where the built site lies. */
export const siteFolder = here("../../dist/");

/** A step of the build ended with an error; its own output, on stderr, says which. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Generates the pages that are made from sources, type-checks every snippet, and builds the site with its search
 * index. Broken links fail the build.
 * @throws {BuildError} naming the step.
 */
export async function buildSite(say: (text: string) => void): Promise<void> {
  say("generating the reference");
  await generatePages();
  say("checking the snippets");
  await run("snippets", [here("../../../node_modules/typescript/bin/tsc"), "-p", here("../snippets")]);
  say("building the site");
  await run("site", [here("../../node_modules/astro/bin/astro.mjs"), "build", "--root", here("../..")]);
}

/** Runs a program of node_modules with this Node; stdout belongs to whoever asked for the build. */
async function run(step: string, command: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, command, {
    cwd: here("../.."),
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ASTRO_TELEMETRY_DISABLED: "1", NODE_ENV: "production" },
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new BuildError(`${step}: ${signal ?? `exit status ${code}`}; its output is above`);
}
