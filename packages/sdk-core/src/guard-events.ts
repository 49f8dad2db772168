import { checkOneOf, invalidArgument } from "./surface/check-fields.ts";
import type { GuardEvent } from "./surface/guard.ts";
import type { Runtime } from "./transport.ts";

const eventTypes: readonly GuardEvent["type"][] = [
  "topology",
  "degraded",
  "recovered",
  "reconciled",
  "misconfigured",
  "replaced",
];

/** Who listens to what a guard tells. */
export interface GuardEvents {
  /** @throws {GuardError} invalid_argument for an event that does not exist. */
  on<E extends GuardEvent["type"]>(
    event: E,
    listener: (event: Extract<GuardEvent, { readonly type: E }>) => void,
  ): () => void;
  emit(event: GuardEvent): void;
  heard(event: GuardEvent["type"]): boolean;
}

/** Nobody listens yet. */
export function createGuardEvents(runtime: Runtime): GuardEvents {
  const listeners = new Map<GuardEvent["type"], Set<(event: GuardEvent) => void>>();
  return {
    on(event, listener) {
      checkOneOf(event, "event", eventTypes);
      if (typeof listener !== "function") throw invalidArgument("listener", listener, "it must be a function");
      const ofType = listeners.get(event) ?? new Set();
      // Kept under its event's name, it is called with events of that name only.
      const kept = listener as (event: GuardEvent) => void;
      listeners.set(event, ofType.add(kept));
      return () => {
        ofType.delete(kept);
      };
    },
    emit(event) {
      // A listener's error is its owner's: it must not end the call that happened to be the first degraded one.
      for (const listener of listeners.get(event.type) ?? []) runtime.endOfTurn(() => listener(event));
    },
    heard: (event) => (listeners.get(event)?.size ?? 0) > 0,
  };
}
