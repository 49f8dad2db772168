import {
  type Acknowledgement,
  type CallerRecord,
  type NaiveEvents,
  sessionCallId,
  sessionName,
} from "@quorumguard/audit";
import { type Operation, Outcome, readEntry, Verb } from "@quorumguard/limiter";
import type { RareStates } from "./rare-states.ts";

/** Reads entries for the audit by log, and notes on the way which calls stand in more than one of them. */
export function createCallRarities(rare: RareStates) {
  const executed = new Set<string>();

  function sawCalls(operation: Operation): void {
    if (operation.kind !== "calls" || operation.origin.kind !== "session") return;
    const session = sessionName(operation.origin.session);
    for (let call = 0; call < operation.batch.calls; call++) {
      const key = sessionCallId(session, operation.batch.firstNumber + call);
      if (executed.has(key)) {
        rare.hit("retryAnsweredFromMemory");
        if (operation.batch.verbs?.[call] === Verb.reset) rare.hit("resetSentAgain");
        if (operation.batch.verbs?.[call] === Verb.reserve) rare.hit("reserveSentAgain");
      }
      executed.add(key);
    }
  }

  return {
    decode(data: Uint8Array): ReturnType<typeof readEntry> {
      const kinds = new Set<Operation["kind"]>();
      for (const operation of readEntry(data).operations) {
        sawCalls(operation);
        kinds.add(operation.kind);
      }
      if (kinds.has("administer") && kinds.has("calls")) rare.hit("policyChangedAmongCalls");
      return readEntry(data);
    },
    /** To be called after the last entry. */
    finish(acknowledgements: readonly Acknowledgement[], records: readonly CallerRecord[], events: NaiveEvents): void {
      for (const { asked, outcomes, shadows } of acknowledgements) {
        const [verb, outcome] = [asked[0]!.verb ?? Verb.take, outcomes[0]!];
        if (outcome === Outcome.keysFull) rare.hit("keyTableFull");
        if (outcome === Outcome.namespaceFull) rare.hit("quotaReached");
        if (outcome === Outcome.holdsFull) rare.hit("holdsFull");
        if (outcome === Outcome.blocked && asked[0]!.key.includes(":")) rare.hit("listedByRangeOfIpv6");
        if (outcome === Outcome.banned) rare.hit("callDeniedByBan");
        if (outcome === Outcome.notHeld && verb !== Verb.giveBack) rare.hit("settledTooLate");
        if (outcome === Outcome.allowed && verb === Verb.grant) rare.hit("leaseGranted");
        if (shadows?.some((shadow) => shadow > 0)) rare.hit("deniedInShadow");
      }
      rare.hit("holdEndedUnsettled", events.holdsOver);
      rare.hit("slotFreedWithItsSession", events.slotsFreed);
      rare.hit("countsHandedOn", events.carriedOver);
      rare.hit("banAcrossTakeover", events.bansAtTakeovers);
      rare.hit("holdAcrossTakeover", events.holdsAtTakeovers);
      const told = new Set(acknowledgements.map(({ session, number }) => sessionCallId(session, number)));
      let lost = 0;
      for (const key of executed) if (!told.has(key)) lost++;
      rare.hit("callAppliedButReplyLost", lost);
      rare.hit("denialFromAppliedState", acknowledgements.filter(({ source }) => source === "leader").length);
      rare.hit("spentFromLease", records.filter(({ source }) => source === "lease").length);
      rare.hit("deniedFromMemory", records.filter(({ source }) => source === "denial-cache").length);
      rare.hit("decidedAlone", records.filter(({ degraded }) => degraded).length);
      const waited = records.filter((record) => record.waited !== undefined);
      rare.hit(
        "waitedForItsTurn",
        waited.filter(({ allowed, startUs, endUs }) => allowed && endUs - startUs > 80_000).length,
      );
      rare.hit("turnGivenUp", waited.filter(({ error }) => error === "aborted").length);
      rare.hit("turnCameTooLate", waited.filter(({ allowed }) => allowed === false).length);
      rare.hit("sessionExpiredUnderClient", records.filter(({ error }) => error === "session_expired").length);
    },
  };
}
