/**
 * Makes processes stand still (SIGSTOP), so that who is not measured takes nothing from who is: an idle cluster has a tenth of a core,
 * and a Redis goes on deleting keys whose time has run out long after it was asked for the last one.
 */
export function pause(pids: readonly number[]): void {
  signal("SIGSTOP", pids);
}

/** Lets them go on; nothing happens to those that do. */
export function resume(pids: readonly number[]): void {
  signal("SIGCONT", pids);
}

function signal(name: "SIGSTOP" | "SIGCONT", pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // Who has ended stands still anyway; what it ended of is told by whoever awaits it.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
