import type { StreamTransport } from "../transport.ts";
import { createReconciler, type Reconciler, type ReconcilerOptions } from "../unavailable/reconciler.ts";
import { LocalAnswers, type LocalAnswersOptions } from "../without-network/local-answers.ts";
import { SessionClient } from "./session-client.ts";
import type { SessionClientOptions } from "./session-client-options.ts";

/** How a session client is set up, by a guard that does not know the transport's streams. */
export interface SessionSetup extends Omit<SessionClientOptions, "link"> {
  readonly link: Omit<SessionClientOptions["link"], "transport">;
}

/**
 * What a guard does over streams only: number its calls in a session, remember and lease what a node's pushes can undo, and
 * report what it admitted alone. A guard without streams is made, and a page or worker loaded, without any of it.
 */
export interface StreamParts {
  createSession(setup: SessionSetup): SessionClient;
  createAnswers(options: LocalAnswersOptions): LocalAnswers;
  createReconciler(options: ReconcilerOptions): Reconciler;
}

/** What a guard does over the streams of this transport. */
export function streamParts(transport: StreamTransport): StreamParts {
  return {
    createSession: (setup) => new SessionClient({ ...setup, link: { ...setup.link, transport } }),
    createAnswers: (options) => new LocalAnswers(options),
    createReconciler,
  };
}
