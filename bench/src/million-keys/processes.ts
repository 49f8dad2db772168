import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Stretch } from "./delay-clock.ts";
import type { ControlReport } from "./messages.ts";

/** A process that does nothing but watch its event loop. */
export interface IdleProcess {
  begin(): void;
  /** What it saw since. */
  end(): Promise<Stretch>;
  kill(): void;
}

const control = new URL("./control.ts", import.meta.url);

/** Resolves once it watches. */
export async function startIdleProcess(): Promise<IdleProcess> {
  const idle = fork(control);
  await once(idle, "message");
  return {
    begin: () => void idle.send("begin"),
    async end() {
      idle.send("end");
      const [{ stretch }] = (await once(idle, "message")) as [ControlReport];
      return stretch;
    },
    kill: () => void idle.kill(),
  };
}

/** What a process tells, until it ends. @throws {Error} when it does not end by itself and well. */
export async function* reportsOf<Report>(child: ChildProcess): AsyncGenerator<Report> {
  const reports: Report[] = [];
  let wake = () => {};
  let status: number | null | undefined;
  child.on("message", (report) => {
    reports.push(report as Report);
    wake();
  });
  child.on("close", (code) => {
    status = code;
    wake();
  });
  for (;;) {
    for (let report = reports.shift(); report !== undefined; report = reports.shift()) yield report;
    if (status === 0) return;
    if (status !== undefined) throw new Error(`the process under measurement ended with status ${status}`);
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (reports.length > 0 || status !== undefined) resolve();
    });
  }
}
