/** Where a function is, as V8 tells it; lines and columns from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A profile of one thread, as V8 writes it: microseconds of the machine's monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly endTime: number;
  /** What ran, sample by sample. */
  readonly samples: readonly number[];
  /** Since the sample before; the first: since the start. */
  readonly timeDeltas: readonly number[];
}

/** How long each function itself was what ran between two moments, in microseconds: until the next sample each. */
export function selfTimes(
  { nodes, startTime, endTime, samples, timeDeltas }: CpuProfile,
  fromUs: number,
  toUs: number,
): ReadonlyMap<CallFrame, number> {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<CallFrame, number>();
  let atUs = startTime;
  for (const [at, id] of samples.entries()) {
    atUs += timeDeltas[at]!;
    const nextUs = at + 1 < samples.length ? atUs + timeDeltas[at + 1]! : endTime;
    const insideUs = Math.min(nextUs, toUs) - Math.max(atUs, fromUs);
    if (insideUs <= 0) continue;
    const frame = frames.get(id)!;
    times.set(frame, (times.get(frame) ?? 0) + insideUs);
  }
  return times;
}

/** Now, by the clock that profiles have. */
export function profileClockUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
