import type { TimeScale, TimeSpan } from "./time-scale.ts";
import {
  fitsAll,
  fitsNot,
  hashAdmissions,
  sameAdmissions,
  type TimedAdmission,
  withAdmission,
} from "./timed-admissions.ts";
import type { TimedCounter } from "./timed-counter.ts";

/** Admissions that may still count, in the order in which they were made. */
interface WindowState {
  readonly admissions: readonly TimedAdmission[];
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

  function keep({ admissions, blurred }: WindowState, gone: number, at: TimeSpan, taken: number): WindowState {
    const kept = withAdmission(admissions.slice(gone), at, taken);
    return { admissions: kept, blurred: kept.length > keptApart || blurred };
  }

  return {
    unused: { admissions: [], blurred: false },
    admit(state, wanted, at, remaining) {
      const { rule, cost } = wanted.at(-1)!;
      const gone = firstGone(state, rule.windowUs, at, (used) => fitsAll(wanted, remaining, used));
      return gone < 0 ? null : keep(state, gone, at, cost);
    },
    denies(state, wanted, at, remaining) {
      return firstGone(state, wanted.rule.windowUs, at, (used) => fitsNot(wanted, remaining, used)) >= 0;
    },
    equal: (one, other) => one.blurred === other.blurred && sameAdmissions(one.admissions, other.admissions),
    hash: ({ admissions }) => hashAdmissions(admissions),
  };
}
