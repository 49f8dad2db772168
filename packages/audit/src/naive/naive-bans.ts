import type { BanDocument } from "@quorumguard/limiter";

interface Record {
  denials: number[];
  untilUs: number;
  strikes: number;
  /** From then on all of it is forgotten, also by a ban that would look further back. */
  forgottenUs: number;
}

/** Who is shut out, and what for: every denial by its stamp, looked through at each question. */
export interface NaiveBans {
  /** The stamp until which the key is banned; 0: it is not. */
  untilUs(who: string, stampUs: number): number;
  /** Counts a denial; the stamp until which the key is banned for it, or 0. */
  feed(who: string, ban: BanDocument, stampUs: number): number;
  /** Ends a ban and forgets what led to it; false: there is none. */
  lift(who: string, stampUs: number): boolean;
  /** Keys that are banned. */
  count(stampUs: number): number;
  /** Bans that began so far. */
  readonly begun: number;
}

/** How long the ban of that number in a row lasts. */
function lengthMs({ durationsMs, factor = 1, maxDurationMs = Number.MAX_SAFE_INTEGER }: BanDocument, strike: number) {
  const beyond = Math.max(0, strike - durationsMs.length);
  const lastMs = durationsMs[Math.min(strike, durationsMs.length) - 1]!;
  return Math.min(maxDurationMs, lastMs * factor ** beyond);
}

/** Makes the bans of an empty log. */
export function createNaiveBans(): NaiveBans {
  const records = new Map<string, Record>();
  let begun = 0;
  const untilUs = (who: string, stampUs: number) => {
    const until = records.get(who)?.untilUs ?? 0;
    return until > stampUs ? until : 0;
  };
  return {
    untilUs,
    count: (stampUs) => [...records.values()].filter((record) => record.untilUs > stampUs).length,
    get begun() {
      return begun;
    },
    feed(who, ban, stampUs) {
      const known = records.get(who);
      const isKnown = known !== undefined && known.forgottenUs > stampUs;
      const record = isKnown ? known : { denials: [], untilUs: 0, strikes: 0, forgottenUs: 0 };
      records.set(who, record);
      record.denials = [...record.denials.filter((atUs) => atUs > stampUs - ban.windowMs * 1000), stampUs];
      if (record.denials.length < ban.denials) {
        record.forgottenUs = Math.max(record.forgottenUs, stampUs + ban.windowMs * 1000);
        return 0;
      }
      const inARow = record.strikes > 0 && record.untilUs + ban.forgetAfterMs * 1000 > stampUs;
      record.strikes = inARow ? record.strikes + 1 : 1;
      record.untilUs = stampUs + lengthMs(ban, record.strikes) * 1000;
      record.forgottenUs = Math.max(record.forgottenUs, record.untilUs + ban.forgetAfterMs * 1000);
      record.denials = [];
      begun++;
      return record.untilUs;
    },
    lift(who, stampUs) {
      return untilUs(who, stampUs) > 0 && records.delete(who);
    },
  };
}
