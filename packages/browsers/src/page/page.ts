/** What cases work with in a page: the SDK, and what they measure by. It is one object, since a driver reaches globals alone. */
import { createGuard, GuardError, maxDenialAgeMs } from "@quorumguard/sdk-web";
import { createSubject } from "./subject.ts";

const subject = { ...createSubject(), createGuard, GuardError, maxDenialAgeMs };

/** What `page.ts` leaves in the page. */
export type Subject = typeof subject;

(globalThis as { subject?: Subject }).subject = subject;
document.title = "ready";
