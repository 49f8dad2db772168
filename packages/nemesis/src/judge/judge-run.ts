import { spawn } from "node:child_process";
import { once } from "node:events";
import { totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { Verdict } from "./judge.ts";

/** A verdict, and what it was about. */
export interface JudgedRun extends Verdict {
  readonly calls: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
  /** Of these, those that processes answered by themselves: by a lease, or by a denial that they remembered. */
  readonly leased: number;
  readonly remembered: number;
  readonly entries: number;
}

const script = fileURLToPath(new URL("./judge-main.ts", import.meta.url));

/** Judges a run's folder in a process of its own. Rejects if it does not come to a verdict. */
export async function judgeRun(folder: string): Promise<JudgedRun> {
  const heapMegabytes = Math.floor((totalmem() / 2 ** 20) * 0.6);
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, `--max-old-space-size=${heapMegabytes}`, script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const [code, signal] = await once(child, "close");
  process.off("exit", kill);
  if (code !== 0) throw new Error(`the judge ended with ${code ?? signal}; the run is in ${folder}`);
  return JSON.parse(output) as JudgedRun;
}
