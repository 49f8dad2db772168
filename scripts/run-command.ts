import { type ChildProcess, spawn } from "node:child_process";
import { repositoryRoot, workspaceEnvironment } from "./repository.ts";

/** How to run a command, and for how long. */
export interface CommandOptions {
  /** Default: the repository's root. */
  readonly cwd?: string;
  /** After so long the command and its children are killed. Milliseconds. */
  readonly timeoutMs: number;
  /** True: stdout is returned instead of shown. stderr is always shown. */
  readonly capture?: boolean;
  /** Added to the workspace's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a command ended. `failure` is null if it exited with 0, else says why not in words. */
export interface CommandResult {
  readonly failure: string | null;
  readonly stdout: string;
}

const running = new Set<ChildProcess>();

/** Kills every command that still runs, with its children: commands have process groups of their own. */
export function killCommands(): void {
  for (const child of running) killGroup(child);
}

/** The same when this process is told to end, and ends it. */
export function killCommandsAtTheEnd(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      killCommands();
      process.exit(130);
    });
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Runs a command to its end. Never throws: a command that cannot start is a failure like any other. */
export function runCommand(command: string, flags: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, flags, {
      cwd: options.cwd ?? repositoryRoot,
      env: { ...workspaceEnvironment(), ...options.environment },
      stdio: ["ignore", options.capture === true ? "pipe" : "inherit", "inherit"],
      detached: true,
    });
    running.add(child);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, options.timeoutMs);
    const finish = (failure: string | null) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ failure, stdout: Buffer.concat(chunks).toString("utf8") });
    };
    child.on("error", (error) => finish(`${command} did not start: ${error.message}`));
    child.on("close", (code, signal) => {
      if (timedOut) finish(`${command} was killed after ${options.timeoutMs / 1_000} s`);
      else finish(code === 0 ? null : `${command} ended with ${signal ?? `exit status ${code}`}`);
    });
  });
}
