import { invalidOption } from "../option-checks.ts";
import { type Address, addressText, isWithin, networkOf, parseAddress } from "./parse-address.ts";

/** A range of addresses of one family. */
export interface Network {
  readonly address: Address;
  readonly prefixBits: number;
}

/**
 * Reads a list of networks, `10.0.0.0/8`, and of single addresses, `192.0.2.1`.
 *
 * @throws {GuardError} `invalid_argument` for what is none, for bits behind the prefix (`10.1.2.3/8`: which of the two is meant?), and for
 * networks so wide that they hold a good part of all addresses.
 */
export function readNetworks(value: unknown, field: string): readonly Network[] {
  if (!Array.isArray(value)) {
    throw invalidOption(field, value, 'write a list of networks, such as ["10.0.0.0/8", "2001:db8::7"]');
  }
  return value.map((one, at) => readNetwork(one, `${field}[${at}]`));
}

/** True if one of the networks holds the address. */
export function holds(networks: readonly Network[], address: Address): boolean {
  return networks.some((network) => isWithin(address, network.address, network.prefixBits));
}

/** The widest networks that may be listed: 10.0.0.0/8 and fc00::/7 are the widest that are anybody's own. */
const widestBits = { ipv4: 8, ipv6: 7 } as const;

function readNetwork(value: unknown, field: string): Network {
  const example = 'write a network, such as "10.0.0.0/8", or an address, such as "2001:db8::7"';
  const parts = typeof value === "string" ? /^([^/[\]]+?)(?:\/(\d{1,3}))?$/.exec(value) : null;
  const [text = "", bits] = parts === null ? [] : [parts[1], parts[2]];
  const parsed = /^\d+\.\d+\.\d+\.\d+:|%/.test(text) ? null : parseAddress(text);
  if (parsed === null) throw invalidOption(field, value, example);
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = text.includes(":") && parsed.kind() === "ipv4" ? 96 : 0;
  const most = parsed.kind() === "ipv4" ? 32 : 128;
  const prefixBits = bits === undefined ? most : Number(bits) - mapped;
  if (prefixBits > most) throw invalidOption(field, value, `its prefix has at most ${most + mapped} bits`);
  const widest = widestBits[parsed.kind()];
  if (prefixBits < widest) {
    const hint = `it holds addresses of strangers; a prefix has at least ${widest} bits: list the networks that are yours`;
    throw invalidOption(field, value, hint);
  }
  const network = networkOf(parsed, prefixBits);
  if (addressText(network) !== addressText(parsed)) {
    const hint = `bits are set behind its prefix; write "${addressText(network)}/${prefixBits}", or the address without a prefix`;
    throw invalidOption(field, value, hint);
  }
  return { address: network, prefixBits };
}
