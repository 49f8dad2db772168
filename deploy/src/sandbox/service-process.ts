import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Service } from "../compose/compose-file.ts";
import { serviceScript } from "./service-root.ts";

/** How a service ended. */
export interface ServiceEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One service of the stack: started with its own command line in its own root, as often as it is told to. */
export class ServiceProcess {
  readonly service: Service;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #ended: Promise<ServiceEnd> | null = null;
  #output = "";

  /** @param folder Of the whole stack. */
  constructor(service: Service, folder: string) {
    this.service = service;
    this.#folder = folder;
  }

  /** The last of what it wrote. */
  get output(): string {
    return this.#output;
  }

  /** True while it runs. */
  get running(): boolean {
    return this.#child !== null;
  }

  /** Starts the service. */
  async start(): Promise<void> {
    const child = await this.#spawn(this.service.words);
    const collect = (text: Buffer) => {
      this.#output = (this.#output + text).slice(-4_000);
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    this.#child = child;
    this.#ended = once(child, "close").then(([code, signal]) => {
      this.#child = null;
      return { code, signal };
    });
  }

  /** Sends the signal and waits for the end. */
  async end(signal: NodeJS.Signals = this.service.stopSignal): Promise<ServiceEnd> {
    if (this.#ended === null) throw new Error(`${this.service.name} was never started`);
    this.#child?.kill(signal);
    return this.#ended;
  }

  /** Runs another command where the service runs, as a health check does; resolves with its exit status and output. */
  async run(words: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = await this.#spawn(words);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += text));
    const [code] = await once(child, "close");
    return { code, output };
  }

  async #spawn(words: readonly string[]): Promise<ChildProcess> {
    const folder = path.join(this.#folder, this.service.name);
    const volumes = path.join(this.#folder, "volumes");
    await mkdir(folder, { recursive: true });
    for (const { kind, source } of this.service.mounts) {
      if (kind === "volume") await mkdir(path.join(volumes, source), { recursive: true });
    }
    const script = serviceScript(this.service, words, folder, volumes);
    return spawn("unshare", ["--mount", "--uts", "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  }
}
