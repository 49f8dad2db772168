import pino from "pino";
import type { NodeLog } from "../node/node-log.ts";
import type { LogLevel } from "./log-levels.ts";

/** A log for a process: JSON lines on standard error. */
export interface OperatorLog {
  readonly log: NodeLog;
  /** Writes out what is still in memory; for the last moment of a process. */
  flush(): void;
}

/** Writing never waits for who reads: a full pipe must not stop elections. */
export function createOperatorLog(nodeId: number, level: LogLevel): OperatorLog {
  const destination = pino.destination({ dest: 2, sync: false });
  const logger = pino(
    { level, base: { nodeId }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "event" },
    destination,
  );
  return {
    log: (at, event, fields) => logger[at](fields, event),
    flush() {
      try {
        destination.flushSync();
      } catch {
        // Nobody reads any more, or the pipe is full: a process that ends cannot wait for it.
      }
    },
  };
}
