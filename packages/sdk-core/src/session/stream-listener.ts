import type { DecodedResponse, Welcome } from "@quorumguard/proto";

/** Whatever a node says beside the answers to calls. */
export type Told = Extract<DecodedResponse, { readonly kind: "message" }>["message"]["message"];

/** Learns from what nodes say on their streams, beside the answers to calls. */
export interface StreamListener {
  /** A stream began; `registered`: this client has a session already. */
  welcomed(welcome: Welcome, registered: boolean): void;
  told(message: Told): void;
}

/** Tells all of them. */
export function allListeners(listeners: readonly StreamListener[]): StreamListener {
  return {
    welcomed(welcome, registered) {
      for (const listener of listeners) listener.welcomed(welcome, registered);
    },
    told(message) {
      for (const listener of listeners) listener.told(message);
    },
  };
}
