/** A process that measures one hot path, and nothing else: what ran before would change how it is compiled. Started by the guard. */
import { median } from "../median.ts";
import type { HotPath } from "./hot-path.ts";
import { hotPaths } from "./hot-paths.ts";
import { createKernel, kernelSteps } from "./kernel.ts";
import type { GuardReport, GuardTask } from "./measures.ts";

/** Blocks until all is compiled as it stays. They are counted, not timed: each run does the same. */
const WARM_BLOCKS = 120;
const BLOCKS = 31;
/** Of so many blocks, for times. */
const STRETCHES = 11;

const { path: name, measure, waste } = JSON.parse(process.argv[2]!) as GuardTask;
const path = wasteful(await hotPaths.get(name)!(), waste);

/** Whoever looks at it could: so it is not optimised away. */
let wasted: unknown = null;

function wasteful(path: HotPath, objects: number): HotPath {
  if (objects === 0) return path;
  const more = path.operations * objects;
  return {
    ...path,
    run() {
      for (let i = 0; i < more; i++) wasted = { made: i, before: wasted === null };
      return path.run();
    },
  };
}

/** A block in which rubbish was collected has fewer bytes after it than before: the middle one has not. */
async function measureBytes(): Promise<number> {
  const perOperation: number[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    await path.prepare();
    const before = process.memoryUsage();
    await path.run();
    const after = process.memoryUsage();
    const bytes = after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
    perOperation.push(bytes / path.operations);
  }
  return median(perOperation);
}

/** Processor time of this process, in microseconds: it stands still while others have the processor. Of one thread, it would be told by ticks. */
function ownUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Block by block beside the kernel, so that what slows the machine slows both; of so many blocks together, since not each has rubbish to collect. */
async function measureTime(): Promise<number> {
  const kernel = createKernel();
  for (let block = 0; block < WARM_BLOCKS; block++) kernel();
  const ratios: number[] = [];
  while (ratios.length < STRETCHES) {
    let pathUs = 0;
    let kernelUs = 0;
    for (let block = 0; block < BLOCKS; block++) {
      await path.prepare();
      const beganUs = ownUs();
      await path.run();
      const betweenUs = ownUs();
      kernel();
      kernelUs += ownUs() - betweenUs;
      pathUs += betweenUs - beganUs;
    }
    ratios.push(pathUs / path.operations / (kernelUs / kernelSteps));
  }
  return median(ratios);
}

for (let block = 0; block < WARM_BLOCKS; block++) {
  await path.prepare();
  await path.run();
}
const value = await (measure === "bytes" ? measureBytes() : measureTime());
process.send!({ unit: path.unit, value: Number(value.toPrecision(5)) } satisfies GuardReport);
process.disconnect();
