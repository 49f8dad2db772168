import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { CallerOrder, CallerReady, CallerReport, CallerTask } from "./messages.ts";

const script = new URL("./caller.ts", import.meta.url);

/** Caller processes, each with a guard of its own. */
export interface Callers {
  /** All calls that ended since the last time, of each process. */
  report(): Promise<readonly CallerReport[]>;
  stop(): Promise<void>;
}

/** Starts so many, and resolves when all of them ask. */
export async function startCallers(processes: number, task: CallerTask): Promise<Callers> {
  const children = Array.from({ length: processes }, () => fork(script, [JSON.stringify(task)]));
  const killAll = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  process.once("exit", killAll);
  await Promise.all(children.map((child) => next(child, "ready")));
  const order = (child: ChildProcess, what: CallerOrder) => void child.send(what);
  return {
    report: () =>
      Promise.all(
        children.map((child) => {
          const report = next(child, "report") as Promise<CallerReport>;
          order(child, "report");
          return report;
        }),
      ),
    async stop() {
      const exits = children.map((child) => once(child, "exit"));
      for (const child of children) order(child, "stop");
      await Promise.all(exits);
      process.off("exit", killAll);
    },
  };
}

async function next(
  child: ChildProcess,
  kind: (CallerReport | CallerReady)["kind"],
): Promise<CallerReport | CallerReady> {
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error("a caller process ended by itself"))),
  ])) as [CallerReport | CallerReady];
  if (message.kind !== kind) throw new Error(`a caller process said ${message.kind} in place of ${kind}`);
  return message;
}
