import { Algorithm } from "@quorumguard/limiter";
import type { NaiveSession } from "../rate-limit/naive-sessions.ts";
import type { HeldAmount, KeyCounter, Numbers } from "./key-counter.ts";

/** What a hold is on: the counter that counts it, and the place where it is looked up. */
export interface HoldHome {
  readonly algorithm: number;
  readonly counter: KeyCounter;
  /** When another rule took over from the one that counted it; infinity: none did. Whatever ends or moves does so as of then. */
  stillUs: number;
}

/** A reservation, slot or lease as the log made it, kept for ever. */
export interface NaiveHold extends HeldAmount {
  readonly number: number;
  readonly kind: "reservation" | "slot" | "lease";
  readonly ttlUs: number;
  /** Who may settle it; null: whoever names it. */
  readonly session: NaiveSession | null;
  home: HoldHome;
  /** `over`: by its time. `freed`: a slot whose session ended. */
  state: "open" | "settled" | "over" | "freed";
}

/** All holds of a log, by the rules of SEMANTICS L and R. */
export interface NaiveHolds {
  /** A new entry begins. Whatever is over at its stamp stays over, unless a new leader wrote it (SEMANTICS S5, L2). */
  enter(precedingUs: number, stampUs: number, takeover: boolean): void;
  /** How many are open, of all and of one session. */
  open(session: NaiveSession | null): { readonly all: number; readonly ofSession: number };
  add(hold: Omit<NaiveHold, "number" | "state">): NaiveHold;
  /** The open hold of this number on this counter, if the caller may settle it. */
  find(number: number, counter: KeyCounter, session: NaiveSession | null): NaiveHold | null;
  /** The hold of this number, open or not; undefined: there never was one. */
  everOpened(number: number): NaiveHold | undefined;
  /** Those that are open on a counter, the oldest first. */
  on(counter: KeyCounter): readonly NaiveHold[];
  /** A session said goodbye: its slots are free (SEMANTICS R2). */
  sessionEnded(session: NaiveSession, stampUs: number): void;
  /** How many were over by their time, and how many slots were freed with their session. */
  readonly ended: { readonly over: number; readonly freed: number };
}

/** Numbers by which a hold comes off a counter and on again: they must not tell a bucket how fast it drains. */
export function numbersToMove({ home, numbers }: NaiveHold): Numbers {
  return home.algorithm === Algorithm.tokenBucket ? { ...numbers, limit: 0 } : numbers;
}

/** Makes the table of an empty log. */
export function createNaiveHolds(isAlive: (session: NaiveSession, stampUs: number) => boolean): NaiveHolds {
  let open: NaiveHold[] = [];
  const all = new Map<number, NaiveHold>();
  let lastNumber = 0;
  const ended = { over: 0, freed: 0 };

  /** A window counts a reservation as of when it was made, whatever becomes of its end. */
  const countsEnd = ({ kind, home }: NaiveHold, gapUs: number) =>
    kind === "lease" ? gapUs > 0 : home.algorithm === Algorithm.tokenBucket || home.algorithm === Algorithm.concurrency;

  function move(precedingUs: number, stampUs: number): void {
    const gapUs = stampUs - precedingUs;
    const counted = open.filter((hold) => countsEnd(hold, gapUs));
    for (const hold of counted)
      hold.home.counter.settle(numbersToMove(hold), hold, 0, Math.min(precedingUs, hold.home.stillUs));
    for (const hold of open) {
      if (hold.kind !== "lease") hold.expiryUs = stampUs + hold.ttlUs;
      else if (gapUs > 0) {
        hold.fromUs = Math.min(stampUs, hold.home.stillUs);
        hold.expiryUs += gapUs;
        hold.datedUs = hold.expiryUs;
      }
    }
    for (const hold of counted) hold.home.counter.open(numbersToMove(hold), hold, Math.min(stampUs, hold.home.stillUs));
  }

  function free(hold: NaiveHold, stampUs: number): void {
    hold.state = "freed";
    ended.freed++;
    hold.home.counter.settle(numbersToMove(hold), hold, 0, Math.min(stampUs, hold.home.stillUs));
  }

  const keepOpen = () => {
    open = open.filter(({ state }) => state === "open");
  };

  return {
    ended,
    enter(precedingUs, stampUs, takeover) {
      keepOpen();
      if (takeover) move(precedingUs, stampUs);
      for (const hold of open) {
        if (hold.expiryUs <= stampUs) {
          hold.state = "over";
          ended.over++;
        } else if (hold.kind === "slot" && hold.session !== null && !isAlive(hold.session, stampUs))
          free(hold, stampUs);
      }
      keepOpen();
    },
    open(session) {
      keepOpen();
      const ofSession = session === null ? 0 : open.filter((hold) => hold.session === session).length;
      return { all: open.length, ofSession };
    },
    add(hold) {
      const added: NaiveHold = { ...hold, number: ++lastNumber, state: "open" };
      open.push(added);
      all.set(added.number, added);
      return added;
    },
    find(number, counter, session) {
      const hold = open.find((one) => one.number === number && one.state === "open");
      if (hold === undefined || hold.home.counter !== counter) return null;
      return hold.session === null || hold.session === session ? hold : null;
    },
    everOpened: (number) => all.get(number),
    on: (counter) => open.filter((hold) => hold.home.counter === counter && hold.state === "open"),
    sessionEnded(session, stampUs) {
      keepOpen();
      for (const hold of open) if (hold.kind === "slot" && hold.session === session) free(hold, stampUs);
    },
  };
}

/** The last stamp at which a lease that is granted now may end (SEMANTICS L1). */
export function leaseEndUs(algorithm: number, { windowUs }: Numbers, stampUs: number): number {
  const longestUs = stampUs + Math.min(1_000_000, Math.floor(windowUs / 10));
  const isAligned = algorithm === Algorithm.fixedWindow || algorithm === Algorithm.slidingWindowCounter;
  return isAligned ? Math.min(longestUs, (Math.floor(stampUs / windowUs) + 1) * windowUs - 1) : longestUs;
}

/** The first millisecond from now at which the same lease has room, and enough of its window before it; -1: none has. */
export function leaseAfterMs(
  cost: number,
  algorithm: number,
  numbers: Numbers,
  counter: KeyCounter,
  stampUs: number,
): number {
  if (Math.floor(numbers.windowUs / 10) < 1_000) return -1;
  for (let afterMs = 0; ; ) {
    const { allowed, never, retryUs } = counter.judge(numbers, cost, stampUs + afterMs * 1000);
    if (never) return -1;
    if (!allowed) afterMs += Math.ceil(retryUs / 1000);
    const endUs = leaseEndUs(algorithm, numbers, stampUs + afterMs * 1000);
    if (endUs - (stampUs + afterMs * 1000) >= 1_000) return afterMs;
    afterMs = Math.ceil((endUs + 1 - stampUs) / 1000);
  }
}
