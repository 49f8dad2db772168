import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A shell that keeps its folder and its variables from command to command, as the terminal of a reader does. */
export class Terminal {
  readonly #shell: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = "";
  #errors = "";
  #commands = 0;
  #onOutput: () => void = () => {};

  constructor(folder: string, environment: NodeJS.ProcessEnv) {
    // A process group of its own, so that Ctrl-C reaches what runs in it and nothing else.
    this.#shell = spawn("bash", ["--noprofile", "--norc"], {
      cwd: folder,
      // bash believes PWD where it is true: the reader's path through a link rather than what the link points to.
      env: { ...environment, PWD: folder },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#closed = once(this.#shell, "close");
    this.#shell.stdout!.on("data", (chunk: Buffer) => {
      this.#output += chunk;
      this.#onOutput();
    });
    this.#shell.stderr!.on("data", (chunk: Buffer) => {
      this.#errors += chunk;
    });
    this.#shell.on("close", () => this.#onOutput());
  }

  /** All of standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** The end of standard error, for a failure's message. */
  get errors(): string {
    return this.#errors.slice(-2_000);
  }

  /** Types a command and waits until it has ended; resolves with its standard output. */
  async run(command: string, timeoutMs: number): Promise<string> {
    this.#commands += 1;
    const marker = `--- end of command ${this.#commands} ---`;
    const from = this.#output.length;
    this.type(`${command}\necho '${marker}'`);
    await this.until(
      () => this.#output.includes(marker, from),
      timeoutMs,
      () => command,
    );
    const end = this.#output.indexOf(marker, from);
    const text = this.#output.slice(from, end);
    this.#output = this.#output.slice(0, end) + this.#output.slice(end + marker.length + 1);
    return text;
  }

  /** Types a command that goes on. */
  type(command: string): void {
    this.#shell.stdin!.write(`${command}\n`);
  }

  /** Waits until something has been printed. */
  async until(isThere: () => boolean, timeoutMs: number, what: () => string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const ended = () => this.#shell.exitCode !== null || this.#shell.signalCode !== null;
    const printed = new Promise<boolean>((resolve) => {
      const look = () => (isThere() ? resolve(true) : ended() ? resolve(false) : undefined);
      this.#onOutput = look;
      timer = setTimeout(() => resolve(false), timeoutMs);
      look();
    });
    const found = await printed;
    clearTimeout(timer);
    this.#onOutput = () => {};
    if (found) return;
    throw new Error(
      `${what()}\ndid not come that far within ${timeoutMs} ms; it printed\n${this.#output}\n${this.errors}`,
    );
  }

  /** Ctrl-C, and waits until everything in the terminal has ended; resolves with what that printed. */
  async interrupt(): Promise<string> {
    const from = this.#output.length;
    this.#signal("SIGINT");
    this.#shell.stdin!.end();
    await this.#closed;
    return this.#output.slice(from);
  }

  /** Whatever still runs. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: "SIGINT" | "SIGKILL"): void {
    if (this.#shell.pid === undefined) return;
    try {
      process.kill(-this.#shell.pid, signal);
    } catch {
      // Gone already.
    }
  }
}
