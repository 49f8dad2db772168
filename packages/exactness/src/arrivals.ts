/** A source of chance in [0, 1). */
export type Draw = () => number;

/** One caller asks so often in one turn. */
export interface ArrivalGroup {
  /** Since the run began. */
  readonly atUs: number;
  readonly count: number;
}

/** A tenth of all arrivals of one client come so many at once. */
const burstChance = 0.1;
const burst = { least: 2, most: 20 };

/**
 * The arrivals of one client: an open loop, which asks whatever became of its earlier calls. Gaps are exponential; one
 * moment in ten brings a burst, so that about half of all calls come in bursts.
 *
 * @param perSecond Calls of this client per second in the mean, above 0.
 */
export function planArrivals(draw: Draw, perSecond: number, durationUs: number): ArrivalGroup[] {
  const meanBurst = (burst.least + burst.most) / 2;
  const meanCount = 1 - burstChance + burstChance * meanBurst;
  const meanGapUs = (meanCount * 1_000_000) / perSecond;
  const groups: ArrivalGroup[] = [];
  for (let atUs = 0; ; ) {
    atUs += Math.ceil(-Math.log(1 - draw()) * meanGapUs);
    if (atUs >= durationUs) return groups;
    const span = burst.most - burst.least + 1;
    groups.push({ atUs, count: draw() < burstChance ? burst.least + Math.floor(draw() * span) : 1 });
  }
}
