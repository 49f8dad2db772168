import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How a command ended, and all that it wrote. */
export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs one of this package's commands from source, by the name of its file beside this one, to its end. */
export async function runCommand(file: string, ...args: readonly string[]): Promise<CommandEnd> {
  const main = fileURLToPath(new URL(file, import.meta.url));
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code] = await once(child, "close");
  return { code, output, errors };
}
