import { isKnownAlgorithm } from "@quorumguard/limiter";
import { decodeGetTermsResponse, encodeGetTermsRequest } from "@quorumguard/proto";
import type { OnUnavailable } from "../surface/guard.ts";
import type { PolicyTerms } from "../surface/resolved-rule.ts";
import type { ToldTerms } from "./cluster-terms.ts";

/** `quorumguard.v1.OnUnavailable` by its numbers; what a later version adds is as if nothing were said. */
const deciders: readonly (OnUnavailable | undefined)[] = [undefined, "local", "allow", "deny", "throw"];

/** Asks what the policies of these names say. */
export function termsRequest(namespace: string, names: readonly string[]): Uint8Array {
  return encodeGetTermsRequest({ namespace, names });
}

/** What they say. @throws {CodecError} when the bytes are no answer. */
export function readTerms(bytes: Uint8Array): ToldTerms {
  const { version, policies } = decodeGetTermsResponse(bytes);
  const told = new Map<string, PolicyTerms>();
  for (const { rule, shadow, lease = null, onUnavailable } of policies) {
    if (rule === undefined) continue;
    const { policy, algorithm, limit, windowUs, burst } = rule;
    told.set(policy, {
      // What this version cannot count by is known by its name alone.
      algorithm: isKnownAlgorithm(algorithm) ? algorithm : 0,
      limit,
      windowUs: Number(windowUs),
      burst,
      shadow,
      lease,
      onUnavailable: deciders[onUnavailable] ?? null,
    });
  }
  return { version: Number(version), policies: told };
}
