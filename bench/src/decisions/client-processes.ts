import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { LoopReport } from "./closed-loop.ts";
import type { KeySource } from "./keys.ts";
import type { ClientMessage, ClientOrder, ClientTask } from "./messages.ts";

const script = new URL("./client-process.ts", import.meta.url);

/** What all client processes of a contender do in one sample, together. */
export interface Load {
  /** Callers in all of them, each with one call in flight. */
  readonly inFlight: number;
  readonly durationMs: number;
  readonly keys: KeySource;
  /** Differs from sample to sample of whoever shares servers. */
  readonly sample: string;
  /** Of the keys that are drawn; the same for all contenders. */
  readonly seed: number;
}

/** Client processes of one contender, kept from sample to sample, so that they are warm. */
export interface ClientProcesses {
  readonly decisionsPerCall: number;
  readonly pids: readonly number[];
  /** Gets the load ready in all of them, tells `begins`, and resolves with their reports. */
  run(load: Load, begins: () => Promise<void>): Promise<readonly LoopReport[]>;
  stop(): Promise<void>;
}

/** Starts so many; resolves when all of them are connected. */
export async function openClientProcesses(processes: number, task: ClientTask): Promise<ClientProcesses> {
  const children = Array.from({ length: processes }, () =>
    fork(script, [JSON.stringify(task)], { serialization: "advanced" }),
  );
  const killAll = () => {
    for (const child of children) child.kill("SIGKILL");
  };
  process.once("exit", killAll);
  const order = (child: ChildProcess, what: ClientOrder) => void child.send(what);
  const orderAll = (what: "begin" | "stop") => {
    for (const child of children) order(child, { kind: what });
  };
  const opened = await Promise.all(children.map((child) => next(child, "open", task)));
  return {
    decisionsPerCall: opened[0]!.decisionsPerCall,
    pids: children.map((child) => child.pid!),
    async run({ inFlight, durationMs, keys, sample, seed }, begins) {
      const loaded = children.map((child) => next(child, "loaded", task));
      for (const [at, child] of children.entries()) {
        const share = Math.floor(inFlight / processes) + (at < inFlight % processes ? 1 : 0);
        const own = { own: `${sample}/${at}`, seed: seed * processes + at };
        order(child, { kind: "load", inFlight: share, durationMs, keys, sample, ...own });
      }
      await Promise.all(loaded);
      await begins();
      const reports = children.map((child) => next(child, "report", task));
      orderAll("begin");
      return (await Promise.all(reports)).map((message) => message.report);
    },
    async stop() {
      const exits = children.map((child) => once(child, "exit"));
      orderAll("stop");
      await Promise.all(exits);
      process.off("exit", killAll);
    },
  };
}

async function next<K extends ClientMessage["kind"]>(
  child: ChildProcess,
  kind: K,
  { client }: ClientTask,
): Promise<Extract<ClientMessage, { kind: K }>> {
  // Whichever comes first, nobody waits for the other one any more.
  const either = new AbortController();
  const { signal } = either;
  const ended = once(child, "exit", { signal }).then(() =>
    Promise.reject(new Error(`a client process of ${client} ended by itself`)),
  );
  const [message] = (await Promise.race([once(child, "message", { signal }), ended]).finally(() => either.abort())) as [
    ClientMessage,
  ];
  if (message.kind !== kind) throw new Error(`a client process of ${client} said ${message.kind} in place of ${kind}`);
  return message as Extract<ClientMessage, { kind: K }>;
}
