import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { AbsentSystem } from "./system.ts";

/** A server's process, which does not outlive this one, unless that is killed while the server stands still. */
export interface Program {
  readonly pid: number;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Who has not said that it serves by then never will. */
const readyMs = 60_000;

/** What to start, and the words by which it tells that it serves. */
export interface ProgramLaunch {
  readonly program: string;
  readonly flags: readonly string[];
  readonly readyWords: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves when it serves. @throws {AbsentSystem} if it cannot be started here, with what it wrote last. */
export async function startProgram(launch: ProgramLaunch): Promise<Program> {
  const { program, flags, readyWords, environment = {} } = launch;
  const child = spawn(program, flags, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    await servesOf(child, readyWords);
  } catch (error) {
    process.off("exit", kill);
    kill();
    throw new AbsentSystem(`${program} could not be started: ${(error as Error).message}`, { cause: error });
  }
  return {
    pid: child.pid!,
    async end(signal) {
      process.off("exit", kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
  };
}

/** Resolves at its own word; goes on reading afterwards, so that the program never blocks on a full pipe. */
function servesOf(child: ChildProcess, readyWords: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = "";
    const hear = (chunk: Buffer) => {
      tail = (tail + chunk).slice(-2_000);
      if (tail.includes(readyWords)) resolve();
    };
    child.stdout!.on("data", hear);
    child.stderr!.on("data", hear);
    const late = `it did not write ${JSON.stringify(readyWords)} within ${readyMs / 1_000} s`;
    setTimeout(() => reject(new Error(`${late}, but last: ${lastLine(tail)}`)), readyMs).unref();
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`it ended before it served, and wrote last: ${lastLine(tail)}`)));
  });
}

/** Results tell it in a list. */
function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)! || "nothing";
}
