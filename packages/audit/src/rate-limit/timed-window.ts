import type { TimeScale, TimeSpan } from "./time-scale.ts";
import type { TimedCounter, Wanted } from "./timed-counter.ts";

interface Admission extends TimeSpan {
  readonly cost: number;
}

/** Admissions that may still count, in the order in which they were made. */
interface WindowState {
  readonly admissions: readonly Admission[];
  /** So many are alive that the limiter may have merged some, which then count a little longer. */
  readonly blurred: boolean;
}

/** Up to so many admissions of one window are kept apart; the grid on which more are merged (DESIGN §6). */
const keptApart = 256;

/**
 * The sliding window log under uncertain time. Admissions leave in the order in which they came, so what counts at a
 * moment is all but the first few: the answer must be right for some number of them that time allows. The smallest such
 * number is always the best choice, since it rules out least of what may come.
 */
export function createTimedWindow(scale: TimeScale): TimedCounter<WindowState> {
  /** Bounds of how many of the first admissions are gone, and what all of them cost. */
  function bounds({ admissions, blurred }: WindowState, windowUs: number, at: TimeSpan) {
    const longest = windowUs + (blurred ? Math.ceil(windowUs / keptApart) : 0);
    let surely = 0;
    while (surely < admissions.length && scale.atLeastUs(admissions[surely]!, at) >= longest) surely++;
    let maybe = surely;
    while (maybe < admissions.length && scale.atMostUs(admissions[maybe]!, at) >= windowUs) maybe++;
    return { surely, maybe };
  }

  /** The smallest number of gone admissions for which the used amount satisfies; -1 if there is none. */
  function firstGone(state: WindowState, windowUs: number, at: TimeSpan, fits: (used: number) => boolean): number {
    const { surely, maybe } = bounds(state, windowUs, at);
    let used = 0;
    for (let place = surely; place < state.admissions.length; place++) used += state.admissions[place]!.cost;
    for (let gone = surely; gone <= maybe; gone++) {
      if (fits(used)) return gone;
      if (gone < maybe) used -= state.admissions[gone]!.cost;
    }
    return -1;
  }

  /** What came before a moment came no later than that moment may be. */
  function keep({ admissions, blurred }: WindowState, gone: number, at: TimeSpan, taken: number): WindowState {
    const kept = admissions.slice(gone);
    for (let place = kept.length - 1; place >= 0 && kept[place]!.toUs > at.toUs; place--)
      kept[place] = { ...kept[place]!, toUs: at.toUs };
    kept.push({ fromUs: at.fromUs, toUs: at.toUs, cost: taken });
    return { admissions: kept, blurred: kept.length > keptApart || (blurred && kept.length > 0) };
  }

  return {
    unused: { admissions: [], blurred: false },
    admit(state, wanted, at, remaining) {
      const { rule, cost } = wanted.at(-1)!;
      const fits = (used: number) =>
        wanted.every((one) => used + one.cost <= one.rule.limit) &&
        (remaining === null || rule.limit - used - cost === remaining);
      const gone = firstGone(state, rule.windowUs, at, fits);
      return gone < 0 ? null : keep(state, gone, at, cost);
    },
    denies(state, { rule, cost }: Wanted, at, remaining) {
      const fits = (used: number) =>
        used + cost > rule.limit && (remaining === null || Math.max(0, rule.limit - used) === remaining);
      return firstGone(state, rule.windowUs, at, fits) >= 0;
    },
    equal(one, other) {
      if (one.blurred !== other.blurred || one.admissions.length !== other.admissions.length) return false;
      for (let place = 0; place < one.admissions.length; place++) {
        const [mine, theirs] = [one.admissions[place]!, other.admissions[place]!];
        if (
          mine !== theirs &&
          (mine.fromUs !== theirs.fromUs || mine.toUs !== theirs.toUs || mine.cost !== theirs.cost)
        )
          return false;
      }
      return true;
    },
    hash({ admissions }) {
      let hash = admissions.length;
      for (const { fromUs, toUs, cost } of admissions)
        hash = (Math.imul(hash, 31) + (fromUs | 0) + Math.imul(toUs | 0, 7) + Math.imul(cost, 131)) | 0;
      return hash;
    },
  };
}
