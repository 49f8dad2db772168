import { type Acknowledgement, type CallerRecord, sessionCallId, sessionName } from "@quorumguard/audit";
import { type Operation, readEntry } from "@quorumguard/limiter";
import type { RareStates } from "./rare-states.ts";

/** Reads entries for the audit by log, and notes on the way which calls stand in more than one of them. */
export function createCallRarities(rare: RareStates) {
  const executed = new Set<string>();

  function sawCalls(operation: Operation): void {
    if (operation.kind !== "calls" || operation.origin.kind !== "session") return;
    const session = sessionName(operation.origin.session);
    for (let call = 0; call < operation.batch.calls; call++) {
      const key = sessionCallId(session, operation.batch.firstNumber + call);
      if (executed.has(key)) rare.hit("retryAnsweredFromMemory");
      executed.add(key);
    }
  }

  return {
    decode(data: Uint8Array): ReturnType<typeof readEntry> {
      for (const operation of readEntry(data).operations) sawCalls(operation);
      return readEntry(data);
    },
    /** To be called after the last entry. */
    finish(acknowledgements: readonly Acknowledgement[], records: readonly CallerRecord[]): void {
      const told = new Set(acknowledgements.map(({ session, number }) => sessionCallId(session, number)));
      let lost = 0;
      for (const key of executed) if (!told.has(key)) lost++;
      rare.hit("callAppliedButReplyLost", lost);
      rare.hit("denialFromAppliedState", acknowledgements.filter(({ source }) => source === "leader").length);
      rare.hit("sessionExpiredUnderClient", records.filter(({ error }) => error === "session_expired").length);
    },
  };
}
