import { fork } from "node:child_process";
import { reportsOf } from "../million-keys/processes.ts";
import type { MachineMessage, MachineOrder, MachineTask } from "./machine-messages.ts";
import type { ProfiledLoad } from "./profile-point.ts";
import { withProfiles } from "./profiles.ts";
import { between, readThreadTimes } from "./thread-times.ts";

const subject = new URL("./machine-subject.ts", import.meta.url);

/** The state machine of one node in a process of its own, under V8's profiler. @throws {Error} when it ends before its answer. */
export async function profileMachine(task: MachineTask): Promise<ProfiledLoad> {
  const { seen, profileOf } = await withProfiles(async () => {
    const child = fork(subject, [JSON.stringify(task)]);
    const messages = reportsOf<MachineMessage>(child);
    const next = async <K extends MachineMessage["kind"]>(kind: K) => {
      const { value } = await messages.next();
      if (value?.kind !== kind) throw new Error(`${task.algorithm}: the process that is profiled did not say ${kind}`);
      return value as Extract<MachineMessage, { kind: K }>;
    };
    const order = (what: MachineOrder) => void child.send(what);
    await next("ready");
    const before = await readThreadTimes(child.pid!);
    order("begin");
    const report = await next("applied");
    const times = between(before, await readThreadTimes(child.pid!));
    order("end");
    await messages.next();
    return { ...report, times, pid: child.pid! };
  });
  const { decisions, fromUs, toUs, times, pid } = seen;
  const seconds = (toUs - fromUs) / 1_000_000;
  return { decisions, seconds, fromUs, toUs, processes: { process: { times, profile: profileOf(pid) } } };
}
