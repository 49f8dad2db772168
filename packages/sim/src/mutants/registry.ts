import type { Mutant } from "./mutant.ts";
import { banMutants } from "./planted/bans.ts";
import { boundMutants } from "./planted/bounds.ts";
import { browserMutants } from "./planted/browser.ts";
import { checkerMutants } from "./planted/checkers.ts";
import { decisionMutants } from "./planted/decisions.ts";
import { holdMutants } from "./planted/holds.ts";
import { membershipMutants } from "./planted/membership.ts";
import { ownNumbersMutants } from "./planted/own-numbers.ts";
import { policyMutants } from "./planted/policies.ts";
import { pushMutants } from "./planted/pushes.ts";
import { raftMutants } from "./planted/raft.ts";
import { sdkAnswerMutants } from "./planted/sdk-answers.ts";
import { storageMutants } from "./planted/storage.ts";
import { tokenKeepingMutants } from "./planted/token-keeping.ts";
import { tokenMutants } from "./planted/tokens.ts";
import { unavailableMutants } from "./planted/unavailable.ts";
import { visitorMutants } from "./planted/visitors.ts";
import { waitMutants } from "./planted/waits.ts";

/** Bugs that are planted one at a time into a copy of the sources, never into the sources themselves. */
export const mutants: readonly Mutant[] = [
  ...raftMutants,
  ...membershipMutants,
  ...storageMutants,
  ...decisionMutants,
  ...holdMutants,
  ...policyMutants,
  ...ownNumbersMutants,
  ...banMutants,
  ...pushMutants,
  ...boundMutants,
  ...sdkAnswerMutants,
  ...unavailableMutants,
  ...waitMutants,
  ...browserMutants,
  ...tokenMutants,
  ...tokenKeepingMutants,
  ...visitorMutants,
  ...checkerMutants,
];
