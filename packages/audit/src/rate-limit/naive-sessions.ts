/** A session as the rules of SEMANTICS S describe it, kept for ever so that late questions about it can be answered. */
export interface NaiveSession {
  readonly name: string;
  readonly nonce: string;
  readonly namespace: string;
  /** It lives up to this stamp. */
  aliveUntilUs: number;
  closed: boolean;
  ackedThrough: number;
  /** Numbers whose results are kept. */
  readonly kept: Set<number>;
}

/** All sessions that the log ever created. */
export interface NaiveSessions {
  register(name: string, nonce: string, namespace: string, helloStampUs: number, stampUs: number): void;
  /** The session, if it lives at this stamp and the nonce is its own. */
  find(name: string, nonce: string, stampUs: number): NaiveSession | null;
  lives(session: NaiveSession, stampUs: number): boolean;
  /** Heard of: lives for another TTL. */
  touch(session: NaiveSession, stampUs: number): void;
  acknowledge(session: NaiveSession, through: number): void;
  /** A new leader's first entry (SEMANTICS S5): whoever lived just before it lives one TTL on from it. */
  takeover(previousStampUs: number, stampUs: number): void;
  readonly ttlUs: number;
  setTtl(ttlUs: number): void;
}

/** Makes an empty table of sessions. */
export function createNaiveSessions(initialTtlUs: number): NaiveSessions {
  const byName = new Map<string, NaiveSession>();
  const nonces = new Set<string>();
  let ttlUs = initialTtlUs;
  const lives = (session: NaiveSession, stampUs: number) => !session.closed && stampUs <= session.aliveUntilUs;

  return {
    lives,
    get ttlUs() {
      return ttlUs;
    },
    setTtl(next) {
      ttlUs = next;
    },
    register(name, nonce, namespace, helloStampUs, stampUs) {
      // Refused one TTL after its hello, in either direction; a nonce never makes a second session (SEMANTICS S4).
      if (Math.abs(stampUs - helloStampUs) > ttlUs || nonces.has(nonce)) return;
      nonces.add(nonce);
      byName.set(name, {
        name,
        nonce,
        namespace,
        aliveUntilUs: stampUs + ttlUs,
        closed: false,
        ackedThrough: 0,
        kept: new Set(),
      });
    },
    find(name, nonce, stampUs) {
      const session = byName.get(name);
      return session !== undefined && session.nonce === nonce && lives(session, stampUs) ? session : null;
    },
    touch(session, stampUs) {
      session.aliveUntilUs = Math.max(session.aliveUntilUs, stampUs + ttlUs);
    },
    acknowledge(session, through) {
      session.ackedThrough = Math.max(session.ackedThrough, through);
      for (const number of session.kept) if (number <= session.ackedThrough) session.kept.delete(number);
    },
    takeover(previousStampUs, stampUs) {
      for (const session of byName.values())
        if (lives(session, previousStampUs)) session.aliveUntilUs = Math.max(session.aliveUntilUs, stampUs + ttlUs);
    },
  };
}
