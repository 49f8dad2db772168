import { Verb } from "@quorumguard/limiter";
import type { TokenOperation } from "@quorumguard/proto";

/** What a token must be for, so that its holder may use a verb. One that this node does not know is refused as such. */
export function operationOf(verb: number): TokenOperation {
  switch (verb) {
    case Verb.take:
      return "check";
    case Verb.reset:
      return "reset";
    case Verb.reserve:
    case Verb.commit:
    case Verb.cancel:
      return "reserve";
    default:
      // Leases are spent where no node looks: only whoever may choose limits is trusted with them.
      return "inline-limits";
  }
}
