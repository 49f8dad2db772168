import { channel } from "node:diagnostics_channel";
import type {
  CallObserver,
  Decision,
  GuardError,
  GuardEvent,
  GuardObserver,
  ObservedCall,
} from "@quorumguard/sdk-core";

/** What `quorumguard.call.started` publishes, before the method that was called returns: it goes to the cluster. */
export interface CallStartedMessage {
  /** The same object in all messages of one call. */
  readonly call: ObservedCall;
}

/** What `quorumguard.call.sent` publishes: a call leaves this process. */
export interface CallSentMessage {
  readonly call: ObservedCall;
  readonly endpoint: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** What names the call in its session, the same for all attempts there; 0: it is a request of its own. */
  readonly number: number;
}

/** What `quorumguard.call.attempt-failed` publishes: no decision came of it, and another attempt may follow. */
export interface AttemptFailedMessage {
  readonly call: ObservedCall;
  readonly reason: string;
  /** `"unknown"`: it may have been counted; a retry does not count it again. */
  readonly applied: "no" | "unknown";
}

/** What `quorumguard.call.decided` publishes. */
export interface CallDecidedMessage {
  readonly call: ObservedCall;
  /** One per check. */
  readonly decisions: readonly Decision[];
}

/** What `quorumguard.call.failed` publishes: the caller gets this error. */
export interface CallFailedMessage {
  readonly call: ObservedCall;
  readonly error: GuardError;
}

/** What `quorumguard.event` publishes: what listeners of `guard.on` are told. */
export interface EventMessage {
  readonly event: GuardEvent;
}

const started = channel("quorumguard.call.started");
const sent = channel("quorumguard.call.sent");
const attemptFailed = channel("quorumguard.call.attempt-failed");
const decided = channel("quorumguard.call.decided");
const failed = channel("quorumguard.call.failed");
const events = channel("quorumguard.event");
const ofCalls = [started, sent, attemptFailed, decided, failed];

/** Publishes to Node's diagnostics channels, if somebody has subscribed when a call is made. */
export const channelObserver: GuardObserver = {
  callStarted: (call) => (ofCalls.some(({ hasSubscribers }) => hasSubscribers) ? new PublishedCall(call) : null),
  event: (event) => {
    if (events.hasSubscribers) events.publish({ event } satisfies EventMessage);
  },
};

class PublishedCall implements CallObserver {
  readonly #call: ObservedCall;

  constructor(call: ObservedCall) {
    this.#call = call;
    started.publish({ call } satisfies CallStartedMessage);
  }

  sent(endpoint: string, attempt: number, number: number): void {
    sent.publish({ call: this.#call, endpoint, attempt, number } satisfies CallSentMessage);
  }

  attemptFailed(reason: string, applied: "no" | "unknown"): void {
    attemptFailed.publish({ call: this.#call, reason, applied } satisfies AttemptFailedMessage);
  }

  decided(decisions: readonly Decision[]): void {
    decided.publish({ call: this.#call, decisions } satisfies CallDecidedMessage);
  }

  failed(error: GuardError): void {
    failed.publish({ call: this.#call, error } satisfies CallFailedMessage);
  }
}
