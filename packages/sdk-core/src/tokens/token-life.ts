import { base64Decode } from "@bufbuild/protobuf/wire";
import { readUtf8 } from "@quorumguard/proto";

/** The part of a token's payload that says for how long it may be kept. */
interface Claims {
  readonly iat?: unknown;
  readonly exp?: unknown;
  readonly qg?: { readonly once?: unknown };
}

/** A token with less than this share of its life left, by our wall clock, is one whose maker has another time than we. */
const LEAST_SHARE = 0.1;

/**
 * For how many milliseconds a token is good from now on, read without verifying it. Null: it is not to be kept, as it is no JWT,
 * does not end, or is for one call.
 *
 * The clock of whoever made it says how long that is, for ours may be hours off in a visitor's device; ours is believed only where it
 * makes the time shorter and is not absurd, as when a token was made some time before it was handed out.
 */
export function tokenLifeMs(token: string, wallMs: number): number | null {
  const { iat, exp, qg } = claimsOf(token) ?? {};
  if (typeof exp !== "number" || qg?.once === true) return null;
  const leftMs = exp * 1_000 - wallMs;
  const spanMs = typeof iat === "number" ? (exp - iat) * 1_000 : leftMs;
  if (!(spanMs > 0)) return null;
  return leftMs > spanMs * LEAST_SHARE && leftMs < spanMs ? leftMs : spanMs;
}

function claimsOf(token: string): Claims | null {
  const parts = token.split(".");
  if (parts.length !== 3) return null;
  try {
    const bytes = base64Decode(parts[1]!);
    const claims: unknown = JSON.parse(readUtf8(bytes, 0, bytes.length));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : null;
  } catch {
    // A token of another kind, for somebody else to read.
    return null;
  }
}
