import { invalidOption } from "../option-checks.ts";
import { holds, type Network, readNetworks } from "./networks.ts";
import { type Address, parseAddress } from "./parse-address.ts";

/** Whose `X-Forwarded-For` is believed: that of proxies in these networks, or of this many in a row before the application. */
export type TrustedProxies = readonly Network[] | number;

/** More proxies in a row than anybody has. */
const mostHops = 16;

/**
 * Reads the option `trustedProxies`; undefined: nobody is trusted.
 *
 * @throws {GuardError} `invalid_argument` for what would trust everybody, with what to write.
 */
export function readTrustedProxies(value: unknown): TrustedProxies {
  const field = "trustedProxies";
  if (value === undefined || value === false) return [];
  if (typeof value === "number") {
    if (Number.isInteger(value) && value >= 0 && value <= mostHops) return value;
    throw invalidOption(field, value, `a number of proxies is a whole number from 0 to ${mostHops}`);
  }
  if (typeof value === "string" && /^\d{1,2}$/.test(value)) {
    throw invalidOption(field, value, `write the number ${Number(value)}, or a list of networks`);
  }
  if (typeof value === "string") {
    const list = JSON.stringify(value.split(",").map((one) => one.trim()));
    throw invalidOption(field, value, `write a list: ${list}`);
  }
  if (!Array.isArray(value)) {
    const everybody = value === true ? "everybody could write an address of their own choice; " : "";
    const hint =
      `${everybody}write the networks of your proxies, such as ["10.0.0.0/8"], or how many proxies stand in a row before ` +
      "this application, such as 1";
    throw invalidOption(field, value, hint);
  }
  return readNetworks(value, field);
}

/**
 * The address that a request came from, as far as it can be believed; null: not even the connection's own is known.
 *
 * Each proxy appends to `X-Forwarded-For` the address that it was called from, so the list is walked from the right: the first
 * address that is not a trusted proxy's counts, and whatever is left of it may be forged. An entry that is no address ends the walk:
 * the request then counts for the last proxy that is known.
 */
export function clientAddress(
  peer: string | null,
  forwardedFor: string | null,
  trusted: TrustedProxies,
): Address | null {
  let address = peer === null ? null : parseAddress(peer);
  const entries = forwardedFor === null ? [] : forwardedFor.split(",");
  for (let hop = 1; hop <= entries.length; hop += 1) {
    const passes = typeof trusted === "number" ? hop <= trusted : address !== null && holds(trusted, address);
    if (!passes) return address;
    const next = parseAddress(entries[entries.length - hop]!);
    if (next === null) return address;
    address = next;
  }
  return address;
}
