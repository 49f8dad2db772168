/** A process with a map from keys to objects, all of which are there: asks for any of them. Started by the scenario. */
import { mapLimiters } from "./map-limiters.ts";
import type { DecideTask } from "./messages.ts";
import { serveWindows } from "./serve-windows.ts";

/** Calls that are written before they are decided, and those of them that have one time: as in the entries of the limiter. */
const CALLS = 16_384;
const CALLS_PER_TIME = 256;
const START_MS = 1_763_000_000_000;

const { algorithm, keys, decisionsPerWindow } = JSON.parse(process.argv[2]!) as DecideTask;
const limiter = mapLimiters[algorithm]();
/** Calls of one question to the map: a slot is given back, and taken. */
const callsEach = algorithm === "concurrency" ? 2 : 1;
const nowMs = () => START_MS + Math.floor(performance.now());
/** A string of its own each time, as it comes out of a request. */
const keyOf = (number: number) => Buffer.from(`user:${String(number).padStart(15, "0")}`, "latin1").toString("latin1");

for (let number = 0; number < keys; number++) limiter(keyOf(number), nowMs());

serveWindows(decisionsPerWindow, () => {
  const asked = Array.from({ length: CALLS / callsEach }, () => keyOf(Math.floor(Math.random() * keys)));
  return () => {
    let allowed = 0;
    let stampMs = 0;
    for (let i = 0; i < asked.length; i++) {
      if (i % CALLS_PER_TIME === 0) stampMs = nowMs();
      if (limiter(asked[i]!, stampMs).allowed) allowed += callsEach;
    }
    return { decisions: asked.length * callsEach, allowed };
  };
});
