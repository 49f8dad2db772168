import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * The built command, as users run it. A path and not an import: the cluster's own tests use this package, so it may not
 * depend on the cluster.
 */
const builtCommand = fileURLToPath(new URL("../../cluster/dist/cli/main.js", import.meta.url));

/** How a node's process is started, where that differs from what a user types. */
export interface NodeLaunch {
  /** A program and its arguments that run what follows them, such as `nsenter`; it must replace itself by it. Default: none. */
  readonly wrapper?: readonly string[];
  /** Flags of Node.js itself. Default: none. */
  readonly nodeFlags?: readonly string[];
  /** The script to run and its arguments, in place of the command with the flags. */
  readonly script?: readonly string[];
  /** Variables on top of this process's own. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a node's process came to its end without being told to. */
export interface NodeEnd {
  readonly nodeId: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines that it wrote. */
  readonly tail: string;
}

/** What nodes run, and who is told what they write, and that one ended by itself. */
export interface NodeProcessesOptions {
  /** The command's script, such as an installed package's. Default: the workspace's build. */
  readonly command?: string | undefined;
  /** The Node.js that they run on. Default: the one that runs this. */
  readonly program?: string | undefined;
  readonly onLog?: ((nodeId: number, text: string) => void) | undefined;
  /** Default: it is told of on standard error. */
  readonly onEnd?: ((end: NodeEnd) => void) | undefined;
}

interface NodeProcess {
  readonly child: ChildProcess;
  /** What it wrote last. */
  tail: string;
}

/** Processes of the command, at most one per node id. */
export class NodeProcesses {
  readonly #options: NodeProcessesOptions;
  readonly #processes = new Map<number, NodeProcess>();

  constructor(options: NodeProcessesOptions = {}) {
    this.#options = options;
  }

  /** Nodes that were started and not ended, by us or by themselves. */
  get nodeIds(): readonly number[] {
    return [...this.#processes.keys()];
  }

  /** Runs `quorumguard node` with these flags. */
  start(nodeId: number, flags: readonly string[], launch: NodeLaunch = {}): void {
    const { command = builtCommand, program = process.execPath } = this.#options;
    // Of a group of its own: Ctrl-C reaches it through us alone, so that one signal is one signal. It ends with us all the
    // same, even if we are killed: its standard input ends then.
    const script = launch.script ?? [command, "node", ...flags, "--stop-with-stdin"];
    const line = [...(launch.wrapper ?? []), program, ...(launch.nodeFlags ?? []), ...script];
    const child = spawn(line[0]!, line.slice(1), {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...launch.environment },
    });
    const started: NodeProcess = { child, tail: "" };
    const collect = (text: Buffer) => {
      started.tail = (started.tail + text).slice(-2_000);
      this.#options.onLog?.(nodeId, String(text));
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    // A process that ends while it is written to is told of by its end.
    child.stdin.on("error", () => {});
    const ended = (code: number | null, signal: string | null) => {
      // Whoever ends a node takes it out first.
      if (this.#processes.get(nodeId) !== started) return;
      const { onEnd } = this.#options;
      const { tail } = started;
      if (onEnd === undefined) process.stderr.write(`node ${nodeId} ended by itself (${code ?? signal}):\n${tail}\n`);
      else {
        this.#processes.delete(nodeId);
        onEnd({ nodeId, code, signal, tail });
      }
    };
    child.on("error", (error) => {
      started.tail += error.message;
      ended(null, null);
    });
    // Only when its output has ended as well is its last word known.
    child.on("close", ended);
    this.#processes.set(nodeId, started);
  }

  /** What each of them wrote last, for whoever has to tell why they do not do what they should. */
  tails(): string {
    return [...this.#processes].map(([nodeId, { tail }]) => `node ${nodeId}:\n${tail}`).join("\n");
  }

  /** The id of a node's process; null if it does not run. */
  pid(nodeId: number): number | null {
    return this.#processes.get(nodeId)?.child.pid ?? null;
  }

  /** Sends a signal that does not end it, such as SIGSTOP. False if there is no such process. */
  signal(nodeId: number, signal: NodeJS.Signals): boolean {
    return this.#processes.get(nodeId)?.child.kill(signal) ?? false;
  }

  /** Sends the signal and waits until the process is gone. Resolves with its exit code; null: it had none, or never ran. */
  async end(nodeId: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#processes.get(nodeId)?.child;
    if (child === undefined) return null;
    this.#processes.delete(nodeId);
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  /** Kills every process at once and waits for none: for a script that is itself about to end. */
  killAll(): void {
    for (const { child } of this.#processes.values()) child.kill("SIGKILL");
  }
}
