import type { DecideSample } from "./messages.ts";

/** What a run came to. */
export interface Decided {
  readonly decisions: number;
  readonly allowed: number;
}

/** Measures a window whenever the scenario asks for one. `prepare` is not counted, what it returns is. The first window is for the compiler. */
export function serveWindows(decisionsPerWindow: number, prepare: () => () => Decided): void {
  const measureWindow = (): DecideSample => {
    const sum = { decisions: 0, allowed: 0, seconds: 0, cpuSeconds: 0 };
    while (sum.decisions < decisionsPerWindow) {
      const decide = prepare();
      const cpuBefore = process.cpuUsage();
      const beganMs = performance.now();
      const { decisions, allowed } = decide();
      sum.seconds += (performance.now() - beganMs) / 1_000;
      const { user, system } = process.cpuUsage(cpuBefore);
      sum.cpuSeconds += (user + system) / 1_000_000;
      sum.decisions += decisions;
      sum.allowed += allowed;
    }
    return sum;
  };
  measureWindow();
  process.on("message", () => void process.send!(measureWindow()));
}
