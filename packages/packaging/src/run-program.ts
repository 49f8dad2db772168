import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

/** How a program ended, and what it wrote. */
export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, as its user would: nothing of the workspace, of an `npm run` or of Vitest is around it. */
export async function runProgram(
  command: string,
  flags: readonly string[],
  options: {
    readonly cwd: string;
    readonly timeoutMs: number;
    readonly environment?: Readonly<Record<string, string>>;
  },
): Promise<ProgramResult> {
  const child = spawn(command, flags, {
    cwd: options.cwd,
    env: { ...usersEnvironment(process.env), ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      written[name] += text;
    });
  }
  const [status] = await once(child, "close");
  return { status, ...written };
}

/** What may pass to a user's program: where npm's registry and cache are, but no settings of ours and no tools of the workspace. */
export function usersEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours =
    /^(npm_(?!config_(registry|userconfig|cache|cafile|ca|proxy|https_proxy|noproxy|strict_ssl)$)|INIT_CWD$|NODE_OPTIONS$|NODE_ENV$|VITEST|QUORUMGUARD_)/i;
  const kept = Object.entries(environment).filter(([name]) => !ours.test(name));
  const searched = (environment.PATH ?? "").split(path.delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: searched.join(path.delimiter) };
}
