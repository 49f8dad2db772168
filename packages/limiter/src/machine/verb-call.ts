import { QuotaRule } from "../keys/quota-rule.ts";
import { Verb } from "../verb.ts";

/** One call of a verb but take, decoded and made ready. Reused from call to call: nobody keeps it. */
export class VerbCall {
  verb: number = Verb.reset;
  rule = new QuotaRule();
  /** The key's hash under the rule; its bytes are `[keyStart, keyStart + keyLength)` of `bytes`. */
  hash = 0;
  bytes: Uint8Array = new Uint8Array(0);
  keyStart = 0;
  keyLength = 0;
  cost = 1;
  /** How long what is opened may stay open; 0: as the rule has it. */
  ttlUs = 0.5;
  /** Which hold is meant, by the verbs that end one; else 0. */
  handle = 0.5;
  /** The caller's session, by its block; 0: outside a session. */
  session = 0;
  stampUs = 0.5;
  maxKeys = 0;
}
