import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a program of this repository's tools to its end, without telemetry, and returns what it printed.
 *
 * @throws {Error} When it fails: the message has the errors that it printed.
 */
export async function runProgram(what: string, args: readonly string[], folder: string): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: programEnvironment(process.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const output = Buffer.concat(chunks).toString("utf8").trim();
  if (status === 0) return output;
  throw new Error(`${what} failed (${signal ?? `exit status ${status}`}):\n${errorsIn(output)}`);
}

/**
 * The environment of a builder: as it would be for a user, whoever asks. A test runner names its own mode in variables that the
 * builder takes for its own, and would get a site for development, without its search.
 */
export function programEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ofTestRunners = /^(VITEST|VITEST_.*|TEST|MODE|DEV|PROD|SSR|BASE_URL)$/;
  const kept = Object.entries(environment).filter(([name]) => !ofTestRunners.test(name));
  const quiet = { ASTRO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_COLOR: "1", FORCE_COLOR: "0" };
  return { ...Object.fromEntries(kept), ...quiet, NODE_ENV: "production" };
}

/** What a tool said from its first error on, without the stacks of its own functions; all of it if it names no error. */
export function errorsIn(output: string): string {
  const start = output.search(/^.*(\[ERROR\]|\[\w*Error\]|\bError: )/m);
  const text = start < 0 ? output : output.slice(start);
  return text.replaceAll(/^ +at .*\n?/gm, "").trim();
}
