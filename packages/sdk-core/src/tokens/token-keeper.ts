import { backoffMs } from "../cluster/backoff.ts";
import type { TokenSource } from "../surface/guard-options.ts";
import { type Runtime, TransportError } from "../transport.ts";
import { tokenLifeMs } from "./token-life.ts";

/** A new token is asked for after this share of the last one's life: what is left of it is time for several attempts. */
const REFRESH_SHARE = 0.8;
/** A function that has not answered by then is asked again, in milliseconds. */
const FETCH_TIMEOUT_MS = 10_000;
/**
 * Where a request may be over before what it began, nobody waits for another's question longer than this since it was asked, in
 * milliseconds: it may never be answered. Twice as long after each one that had no answer, up to the longest: the function may be slow.
 */
const OTHERS_TIMEOUT_MS = 200;
const LONGEST_OTHERS_TIMEOUT_MS = 2_000;
/** The longest pause after failures of the function, in milliseconds. */
const MAX_PAUSE_MS = 5_000;
/** Refusals make the function be asked no more often than this, in milliseconds: what it returns next may be as bad. */
const MIN_PAUSE_MS = 1_000;
/** What a token may have, in characters: nodes take less, but a proxy may ask for one of its own. */
const MAX_TOKEN_CHARS = 16_384;
/** Timers of platforms end at 24 days; a token that lives longer is looked at once a day. */
const MAX_TIMER_MS = 86_400_000;

/** Has the token that goes with the next connection or request. */
export interface TokenKeeper {
  /**
   * The token to send now; null: none was configured. Who waits for no longer than `timeoutMs` asks for nothing after that.
   *
   * @throws {TransportError} `not-sent` when the caller's function fails, since it may succeed next time; `misconfigured` when it
   * returns anything that cannot be one.
   */
  get(timeoutMs?: number): Promise<string | null>;
  /**
   * A node refused this token: it is not sent again, if another one can be had. True: it was kept from an earlier call, and since then
   * there may be another visitor, or another key that tokens are made with, so that the call may go again with the next one.
   */
  refused(token: string): boolean;
  /** What the function failed with is no reason to wait any more. */
  networkIsBack(): void;
  /** Asks for no more tokens by itself. */
  close(): void;
}

interface Kept {
  readonly token: string;
  /** When it was asked for, by both clocks. */
  readonly askedMs: number;
  readonly askedWallMs: number;
  readonly lifeMs: number;
  used: boolean;
  /** A call took it that did not ask for it. */
  reused: boolean;
}

/** Asked of the function, and when. */
interface Flight {
  readonly fetched: Promise<Fetched>;
  readonly askedMs: number;
}

/** A keeper of tokens from this source. `perRequest`: what a request begins may end with it, unsettled. */
export function createTokenKeeper(source: TokenSource | undefined, runtime: Runtime, perRequest: boolean): TokenKeeper {
  if (typeof source === "function") {
    return new FetchedTokens(source, runtime, perRequest ? OTHERS_TIMEOUT_MS : FETCH_TIMEOUT_MS);
  }
  const token = source ?? null;
  return { get: () => Promise.resolve(token), refused: () => false, networkIsBack() {}, close() {} };
}

/**
 * Keeps what the function returned until it is over, and asks for the next one before that, while calls go on with the old one: whatever
 * the function suffers is felt only when no token is left. A token that nobody used is not replaced, so that a page that rests does not ask.
 */
class FetchedTokens implements TokenKeeper {
  readonly #source: () => string | Promise<string>;
  readonly #runtime: Runtime;
  readonly #othersTimeoutMs: number;
  /** Questions since the last token for which somebody did not wait any more. */
  #unanswered = 0;
  #kept: Kept | null = null;
  /** The question that is on its way; resolves with the token, and whether others may send it as well. */
  #flight: Flight | null = null;
  #failure: TransportError | null = null;
  #failures = 0;
  #askAgainMs = 0;
  /** The last one that was kept and then refused: calls of one moment all have it. */
  #dropped: string | null = null;
  #droppedMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: () => void = () => {};
  #closed = false;

  constructor(source: () => string | Promise<string>, runtime: Runtime, othersTimeoutMs: number) {
    this.#source = source;
    this.#runtime = runtime;
    this.#othersTimeoutMs = othersTimeoutMs;
  }

  async get(givenMs = Number.POSITIVE_INFINITY): Promise<string> {
    const untilMs = this.#runtime.monotonicMs() + givenMs;
    for (;;) {
      const token = this.#good();
      if (token !== null) return token;
      const timeoutMs = this.#othersWithinMs();
      const flight = this.#flightWithin(timeoutMs);
      if (flight === null) return this.#used((await this.#fetch()).token);
      const fetched = await this.#answerOf(flight, timeoutMs);
      if (fetched !== null) return fetched.shared ? this.#used(fetched.token) : (await this.#ask()).token;
      if (this.#runtime.monotonicMs() >= untilMs)
        throw new TransportError("not-sent", "token: nobody waits for it any more");
    }
  }

  /** How long what others asked is waited for, since they asked. */
  #othersWithinMs(): number {
    const doubledMs = Math.min(LONGEST_OTHERS_TIMEOUT_MS, this.#othersTimeoutMs * 2 ** this.#unanswered);
    return Math.max(this.#othersTimeoutMs, doubledMs);
  }

  /** The one that is kept, while it is good. */
  #good(): string | null {
    const kept = this.#kept;
    if (kept !== null && this.#ageMs(kept) < kept.lifeMs) {
      kept.used = true;
      kept.reused = true;
      if (this.#isDue(kept)) this.#refresh();
      return kept.token;
    }
    return null;
  }

  #used(token: string): string {
    if (this.#kept?.token === token) this.#kept.used = true;
    return token;
  }

  /** What others ask, if they began within so long: by the clock, since at the edge a question that its request left is never answered. */
  #flightWithin(ms: number): Flight | null {
    const flight = this.#flight;
    return flight !== null && this.#runtime.monotonicMs() - flight.askedMs < ms ? flight : null;
  }

  /** Null: it takes too long to wait for what others asked. */
  async #answerOf({ fetched, askedMs }: Flight, timeoutMs: number): Promise<Fetched | null> {
    let cancelTimer: () => void = () => {};
    const late = new Promise<null>((resolve) => {
      const leftMs = askedMs + timeoutMs - this.#runtime.monotonicMs();
      cancelTimer = this.#runtime.setTimer(() => resolve(null), Math.max(1, leftMs), false);
    });
    try {
      return await Promise.race([fetched, late]);
    } finally {
      cancelTimer();
    }
  }

  refused(token: string): boolean {
    const nowMs = this.#runtime.monotonicMs();
    const kept = this.#kept;
    if (kept?.token !== token) return this.#dropped === token;
    if (nowMs - this.#droppedMs < MIN_PAUSE_MS) return false;
    this.#kept = null;
    this.#dropped = kept.reused ? token : null;
    this.#droppedMs = nowMs;
    return kept.reused;
  }

  networkIsBack(): void {
    this.#failure = null;
    this.#failures = 0;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  /** By whichever clock says more: one stands still while a device sleeps, the other is set by hand. */
  #ageMs({ askedMs, askedWallMs }: Kept): number {
    return Math.max(this.#runtime.monotonicMs() - askedMs, this.#runtime.wallMs() - askedWallMs);
  }

  #isDue(kept: Kept): boolean {
    return this.#ageMs(kept) >= kept.lifeMs * REFRESH_SHARE;
  }

  #fetch(): Promise<Fetched> {
    if (this.#flight !== null) this.#unanswered += 1;
    const fetched = this.#ask().finally(() => {
      if (this.#flight === flight) this.#flight = null;
    });
    const flight: Flight = { fetched, askedMs: this.#runtime.monotonicMs() };
    this.#flight = flight;
    return fetched;
  }

  /** Asks for the next token while the last one is good; nobody waits for it. */
  #refresh(): void {
    if (this.#flightWithin(FETCH_TIMEOUT_MS) !== null || this.#runtime.monotonicMs() < this.#askAgainMs) return;
    this.#fetch().catch(() => this.#lookAgain(this.#askAgainMs - this.#runtime.monotonicMs()));
  }

  #lookAgain(afterMs: number): void {
    this.#cancelTimer();
    if (this.#closed) return;
    this.#cancelTimer = this.#runtime.setTimer(
      () => {
        const kept = this.#kept;
        if (kept === null || !kept.used || this.#ageMs(kept) >= kept.lifeMs) return;
        if (this.#isDue(kept)) this.#refresh();
        else this.#lookWhenDue(kept);
      },
      Math.max(1, afterMs),
      false,
    );
  }

  #lookWhenDue(kept: Kept): void {
    this.#lookAgain(Math.min(MAX_TIMER_MS, Math.ceil(kept.lifeMs * REFRESH_SHARE - this.#ageMs(kept))));
  }

  async #ask(): Promise<Fetched> {
    if (this.#failure !== null && this.#runtime.monotonicMs() < this.#askAgainMs) throw this.#failure;
    const askedMs = this.#runtime.monotonicMs();
    const askedWallMs = this.#runtime.wallMs();
    const token = await this.#answer();
    this.#failure = null;
    this.#failures = 0;
    this.#unanswered = 0;
    this.#askAgainMs = 0;
    if (this.#kept?.token === token) {
      // Whoever makes them hands out one until it is over: it did not get younger, and soon there is another.
      this.#askAgainMs = this.#runtime.monotonicMs() + MIN_PAUSE_MS;
      this.#lookAgain(MIN_PAUSE_MS);
      return { token, shared: true };
    }
    const lifeMs = tokenLifeMs(token, askedWallMs);
    // A slow answer to an earlier question is no reason to drop the next one's.
    if (this.#kept !== null && this.#kept.askedMs > askedMs) return { token, shared: lifeMs !== null };
    this.#kept = lifeMs === null ? null : { token, askedMs, askedWallMs, lifeMs, used: false, reused: false };
    if (this.#kept !== null) this.#lookWhenDue(this.#kept);
    return { token, shared: lifeMs !== null };
  }

  /** What the function says, if it says something usable in time. */
  async #answer(): Promise<string> {
    let cancelTimer: () => void = () => {};
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`the function has not answered within ${FETCH_TIMEOUT_MS} ms`);
      cancelTimer = this.#runtime.setTimer(() => reject(error), FETCH_TIMEOUT_MS, false);
    });
    let token: unknown;
    try {
      token = await Promise.race([this.#source(), late]);
    } catch (cause) {
      throw this.#failed(new TransportError("not-sent", `token: ${String(cause)}`, { cause }));
    } finally {
      cancelTimer();
    }
    const trimmed = typeof token === "string" ? token.trimEnd() : "";
    if (trimmed.length <= MAX_TOKEN_CHARS && /^[!-~]+$/.test(trimmed)) return trimmed;
    throw this.#failed(new TransportError("misconfigured", `unauthenticated: token: ${faultOf(token)}`));
  }

  #failed(error: TransportError): TransportError {
    this.#failure = error;
    this.#failures += 1;
    this.#askAgainMs = this.#runtime.monotonicMs() + backoffMs(this.#failures, this.#runtime, MAX_PAUSE_MS);
    return error;
  }
}

/** Why this is no token, without a word of it: it may hold what only its reader is to see. */
function faultOf(token: unknown): string {
  if (typeof token !== "string") return "the function returned no string";
  const page = token.trimStart().startsWith("<") ? ", but begin with '<' as a page does" : "";
  const bound = `1 to ${MAX_TOKEN_CHARS.toLocaleString("en")} visible ASCII characters without spaces`;
  return `the function returned ${token.length} characters that are no token${page}; it must return ${bound}: check response.ok`;
}

interface Fetched {
  readonly token: string;
  /** False: it is for whoever asked alone. */
  readonly shared: boolean;
}
