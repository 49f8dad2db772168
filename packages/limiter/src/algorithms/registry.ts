import { Algorithm } from "../rule.ts";
import type { CountingAlgorithm } from "./algorithm.ts";
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed-window.ts";
import { slidingWindowCounter } from "./sliding-window-counter.ts";
import { slidingWindowLog } from "./sliding-window-log.ts";
import { tokenBucket } from "./token-bucket.ts";

/** The algorithms by their number in the log. A new one is a file and a line here. */
const algorithms: (CountingAlgorithm | undefined)[] = [];
algorithms[0] = undefined;
algorithms[Algorithm.slidingWindowLog] = slidingWindowLog;
algorithms[Algorithm.tokenBucket] = tokenBucket;
algorithms[Algorithm.slidingWindowCounter] = slidingWindowCounter;
algorithms[Algorithm.fixedWindow] = fixedWindow;
algorithms[Algorithm.concurrency] = concurrency;

/** The algorithm that a log entry means by `number`; undefined for a number that no algorithm has. */
export function algorithmOf(number: number): CountingAlgorithm | undefined {
  return algorithms[number];
}

/** Whether it counts admissions by windows: then a hold counts as of its dates, and not for as long as it is open. */
export function countsByWindow(number: number): boolean {
  return number !== Algorithm.tokenBucket && number !== Algorithm.concurrency;
}
