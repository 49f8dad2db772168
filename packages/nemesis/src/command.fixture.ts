import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ProgramEnd, readToEnd } from "@quorumguard/testbed";

/** Runs one of this package's commands from source, by the name of its file beside this one, to its end. */
export function runCommand(file: string, ...args: readonly string[]): Promise<ProgramEnd> {
  const main = fileURLToPath(new URL(file, import.meta.url));
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  return readToEnd(spawn(process.execPath, [...flags, main, ...args], { stdio: ["ignore", "pipe", "pipe"] }));
}
