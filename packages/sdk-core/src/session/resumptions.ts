import { encodeSessionRequest } from "@quorumguard/proto";
import type { Link } from "../cluster/link.ts";
import type { Session } from "./session-life.ts";

/** How long a node's word that it knows the session is good, and how long it is waited for before it is asked again. */
const GOOD_FOR_MS = 1_000;

/** Where the session was resumed, and whether it was known there. */
export class Resumptions {
  readonly #last = new WeakMap<Link, { readonly session: Session; readonly sentMs: number; known: boolean }>();

  /** Frames may follow at once while the session surely lives: each names it in the log. */
  resume(link: Link, session: Session, nowMs: number): void {
    const { index, position, nonce } = session;
    link.session = session;
    this.#last.set(link, { session, sentMs: nowMs, known: false });
    link.send(encodeSessionRequest({ case: "resume", value: { session: { index, position, nonce } } }));
  }

  resumed(link: Link): void {
    const last = this.#last.get(link);
    if (last !== undefined) last.known = true;
  }

  /**
   * Whether frames may go there now. After a process or its machine was stopped for long the cluster may have forgotten the session, and what is sent
   * in it, or into a stream that died meanwhile, is not known to be counted; so it is asked for first, and what waits can start over.
   */
  mayCarry(link: Link, session: Session, nowMs: number): boolean {
    if (session.life.isSafe) return true;
    const last = this.#last.get(link);
    if (last?.session === session && nowMs - last.sentMs < GOOD_FOR_MS) return last.known;
    this.resume(link, session, nowMs);
    return false;
  }
}
