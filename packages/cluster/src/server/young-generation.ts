import { setFlagsFromString } from "node:v8";

/** V8's own. */
const usualGrowthFactor = 2;

let isKeptSmall = false;

/**
 * Keeps what V8 calls the young generation of this process as small as it is at start, 2 MiB: left alone it grows to 64 MiB under
 * load, which buys a node nothing, since little of what it makes for sessions outlives a turn. When a process is killed its peers hear of it
 * only after the kernel has taken all its memory back; every 10 MB cost them a millisecond or more before they can elect another.
 * Who started the process with another size keeps it.
 */
export function keepYoungGenerationSmall(): void {
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
  if (chosen.some((flags) => /--(min|max)[-_]semi[-_]space[-_]size/.test(flags))) return;
  isKeptSmall = true;
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Lets it grow all the same, from now on: for calls of which each has a stream of its own. What they hold while they wait outlives a collection in so
 * little room, and is copied; with more of it 1.06 to 1.19 times as many of 64 at a time are answered in a second.
 */
export function letYoungGenerationGrow(): void {
  if (!isKeptSmall) return;
  isKeptSmall = false;
  setFlagsFromString(`--semi-space-growth-factor=${usualGrowthFactor}`);
}
