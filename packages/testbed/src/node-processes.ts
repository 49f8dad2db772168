import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * The built command, as users run it. A path and not an import: the cluster's own tests use this package, so it may not
 * depend on the cluster.
 */
const command = fileURLToPath(new URL("../../cluster/dist/cli/main.js", import.meta.url));

/** Processes of the built command, at most one per node id. A node that ends by itself is told of on standard error. */
export class NodeProcesses {
  readonly #onLog: ((nodeId: number, text: string) => void) | undefined;
  readonly #children = new Map<number, ChildProcess>();

  constructor(onLog?: (nodeId: number, text: string) => void) {
    this.#onLog = onLog;
  }

  /** Nodes that were started and not ended. */
  get nodeIds(): readonly number[] {
    return [...this.#children.keys()];
  }

  /** Runs `quorumguard node` with these flags, with the Node that runs this. */
  start(nodeId: number, flags: readonly string[]): void {
    // Of a group of its own: Ctrl-C reaches it through us alone, so that one signal is one signal. It ends with us all the
    // same, even if we are killed: its standard input ends then.
    const child = spawn(process.execPath, [command, "node", ...flags, "--stop-with-stdin"], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    let tail = "";
    const collect = (text: Buffer) => {
      tail = (tail + text).slice(-2_000);
      this.#onLog?.(nodeId, String(text));
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("exit", (code, signal) => {
      // Whoever ends a node takes it out first.
      if (this.#children.get(nodeId) === child)
        process.stderr.write(`node ${nodeId} ended by itself (${code ?? signal}):\n${tail}\n`);
    });
    this.#children.set(nodeId, child);
  }

  /** Sends the signal and waits until the process is gone. Resolves with its exit code; null: it had none, or never ran. */
  async end(nodeId: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#children.get(nodeId);
    if (child === undefined) return null;
    this.#children.delete(nodeId);
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  /** Kills every process at once and waits for none: for a script that is itself about to end. */
  killAll(): void {
    for (const child of this.#children.values()) child.kill("SIGKILL");
  }
}
