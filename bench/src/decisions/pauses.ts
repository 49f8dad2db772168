import type { System } from "../system.ts";
import type { ClientProcesses } from "./client-processes.ts";

/**
 * Makes all processes stand still (SIGSTOP), so that who is not measured takes nothing from who is: an idle cluster has a tenth of a core,
 * and a Redis goes on deleting keys whose time has run out long after it was asked for the last one.
 */
export function pause(system: System, clients?: ClientProcesses): void {
  signal("SIGSTOP", system, clients);
}

/** Lets them go on; nothing happens to those that do. */
export function resume(system: System, clients?: ClientProcesses): void {
  signal("SIGCONT", system, clients);
}

function signal(name: "SIGSTOP" | "SIGCONT", { pids, pausable = true }: System, clients?: ClientProcesses): void {
  for (const pid of [...(pausable ? pids() : []), ...(clients?.pids ?? [])]) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // Who has ended stands still anyway; what it ended of is told by whoever awaits it.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
