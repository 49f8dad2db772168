import type { ErrorReason } from "@quorumguard/proto";
import type { Clock } from "../../node/clock.ts";
import { InvalidField } from "../invalid-field.ts";
import type { ResolvedServerOptions } from "../server-options.ts";
import { type AccessGate, createAccessGate, type KeyedGate } from "./access-gate.ts";
import { followTokenKeys } from "./follow-token-keys.ts";
import { OpenedKeys } from "./opened-keys.ts";
import { createRefusals } from "./refusals.ts";
import { TokenCache } from "./token-cache.ts";
import { checkTokenKeys } from "./token-keys.ts";
import { TokenUsage } from "./token-usage.ts";

/** The gate of a node, which follows its file of keys until it is closed. */
export interface OpenAccess {
  readonly gate: AccessGate;
  close(): Promise<void>;
}

/**
 * Opens the gate for the tokens of `tokenKeys`: a file of keys, or the keys themselves.
 *
 * @throws {InvalidField} when there is no such file, or it is no set of keys.
 */
export async function openAccess(
  tokenKeys: NonNullable<ResolvedServerOptions["tokenKeys"]>,
  options: ResolvedServerOptions,
  clock: Clock,
  count: (reason: ErrorReason) => void,
): Promise<OpenAccess> {
  const { tokenAudience: audience, log } = options;
  const monotonicMs = () => clock.monotonicMs();
  const refused = createRefusals({ count, log, monotonicMs });
  const usage = new TokenUsage({ callsPerSecond: options.tokenCallsPerSecond, monotonicMs });
  const openedKeys = new OpenedKeys({ keysPerMinute: options.visitorKeysPerMinute, monotonicMs });
  const gateOf = (tokens: TokenCache): KeyedGate => createAccessGate({ tokens, usage, openedKeys, refused });
  const wallMs = () => clock.wallMs();
  if (typeof tokenKeys !== "string") {
    const tokens = new TokenCache({ keys: checkTokenKeys(tokenKeys), audience, wallMs });
    return { gate: gateOf(tokens), close: async () => {} };
  }
  const { keys, watched } = await followTokenKeys({
    file: tokenKeys,
    log,
    changed(next) {
      tokens.replaceKeys(next);
      gate.keysChanged();
    },
  }).catch((error: unknown) => {
    throw new InvalidField("tokenKeys", tokenKeys, error instanceof Error ? error.message : String(error));
  });
  const tokens = new TokenCache({ keys, audience, wallMs });
  const gate = gateOf(tokens);
  return { gate, close: () => watched.close() };
}
