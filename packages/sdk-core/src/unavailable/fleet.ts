import type { StreamListener } from "../session/stream-listener.ts";

/** How many clients share the limits, as far as the cluster has told (SEMANTICS U1). */
export interface Fleet extends StreamListener {
  /** At least 1: before any contact, this one. */
  readonly clients: number;
}

/** Nothing was told yet. What was told last stays, also while nobody can be asked. */
export function createFleet(): Fleet {
  let clients = 1;
  /** 0: the node does not tell. */
  const set = (told: number): void => {
    if (told > 0) clients = told;
  };
  return {
    get clients() {
      return clients;
    },
    welcomed(welcome, registered) {
      // Before it is registered this client is not among those that the node counts.
      set(registered || welcome.clients === 0 ? welcome.clients : welcome.clients + 1);
    },
    told(message) {
      switch (message.case) {
        case "registered":
        case "pong":
        case "fleet":
          set(message.value.clients);
      }
    },
  };
}
