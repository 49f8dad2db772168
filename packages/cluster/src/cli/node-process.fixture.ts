import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a command left behind. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built command, which starts in half the time of its sources, as a process of its own. Lines can be awaited, so that nobody has to sleep. */
export class CommandProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #lines: Record<"stdout" | "stderr", string[]> = { stdout: [], stderr: [] };
  readonly #waiting = new Set<() => void>();

  /** `environment`: variables that are others than this process's. */
  constructor(args: readonly string[], environment: Readonly<Record<string, string | undefined>> = {}) {
    // A test runner that is killed closes our pipes: its nodes end with it.
    const ending = args[0] === "node" ? ["--stop-with-stdin"] : [];
    const argv = [command, ...args, ...ending];
    const env = { ...process.env, ...environment };
    this.child = spawn(process.execPath, argv, { stdio: ["pipe", "pipe", "pipe"], env });
    for (const name of ["stdout", "stderr"] as const) {
      createInterface({ input: this.child[name]! }).on("line", (line) => {
        this.#lines[name].push(line);
        for (const wake of [...this.#waiting]) wake();
      });
    }
    this.ended = once(this.child, "close").then(([status, signal]) => {
      for (const wake of [...this.#waiting]) wake();
      return { status, signal, stdout: this.#lines.stdout.join("\n"), stderr: this.#lines.stderr.join("\n") };
    });
  }

  /** The first JSON line, past or future, that `matches`. Rejects with the output if the command ends before. */
  line<T>(from: "stdout" | "stderr", matches: (record: T) => boolean): Promise<T> {
    return this.#find(from, (line) => {
      const record = parse(line);
      return record !== null && matches(record as T) ? (record as T) : null;
    });
  }

  /** The first line, past or future, that `pattern` matches. Rejects as {@link line} does. */
  text(from: "stdout" | "stderr", pattern: RegExp): Promise<string> {
    return this.#find(from, (line) => (pattern.test(line) ? line : null));
  }

  /** All that it has said so far. */
  said(from: "stdout" | "stderr"): string {
    return this.#lines[from].join("\n");
  }

  async #find<T>(from: "stdout" | "stderr", found: (line: string) => T | null): Promise<T> {
    for (let at = 0; ; at++) {
      const lines = this.#lines[from];
      while (at >= lines.length) {
        if (this.child.exitCode !== null || this.child.signalCode !== null) {
          const { stdout, stderr } = await this.ended;
          if (at >= lines.length) throw new Error(`the command ended before that line:\n${stdout}\n${stderr}`);
        } else await this.#more();
      }
      const result = found(lines[at]!);
      if (result !== null) return result;
    }
  }

  /** What it has said on standard error so far. */
  output(): string {
    return `${this.child.spawnargs.slice(1).join(" ")}\n${this.#lines.stderr.join("\n")}\n`;
  }

  async signal(signal: "SIGTERM" | "SIGKILL" | "SIGINT"): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
