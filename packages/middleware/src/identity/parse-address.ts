import ipaddr from "ipaddr.js";

/** An address of either family; IPv4 that was written as IPv6, or translated into it on the way, is IPv4. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * What stands in front of an IPv4 address inside IPv6, up to its last two groups: mapped by a socket (RFC 4291), translated by NAT64 under the
 * well-known prefix (RFC 6052), translated by SIIT (RFC 2765). Else all of IPv4 would be one customer's network.
 */
const beforeIpv4 = new Set(["0:0:0:0:0:ffff", "64:ff9b:0:0:0:0", "0:0:0:0:ffff:0"]);

/**
 * Reads an address as sockets and proxies write it: `192.0.2.7`, `192.0.2.7:443`, `2001:db8::1`, `[2001:db8::1]:443`,
 * `fe80::1%eth0`. Null: it is none. Short, octal and hexadecimal forms of IPv4 (`127.1`, `0x7f.1`) are none, since programs read
 * them differently.
 */
export function parseAddress(text: string): Address | null {
  const bare = withoutPort(text.trim()).split("%", 1)[0]!;
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  if (!bare.includes(":") || !ipaddr.IPv6.isValid(bare)) return null;
  const address = ipaddr.IPv6.parse(bare);
  const front = address.parts.slice(0, 6).map((group) => group.toString(16));
  return beforeIpv4.has(front.join(":")) ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address;
}

function withoutPort(text: string): string {
  const match = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(text);
  return match === null ? text : (match[1] ?? match[2]!);
}

/** An address with all bits behind the first `prefixBits` set to 0. */
export function networkOf(address: Address, prefixBits: number): Address {
  const bytes = address.toByteArray().map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefixBits - at * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return ipaddr.fromByteArray(bytes);
}

/** An address in its shortest usual form. */
export function addressText(address: Address): string {
  return address.kind() === "ipv4" ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
}

/** True if `address` lies in `network`, which is of that many bits. Families are told apart. */
export function isWithin(address: Address, network: Address, prefixBits: number): boolean {
  return address.kind() === network.kind() && address.match(network, prefixBits);
}

/**
 * Whom an address counts for, as part of a key: IPv4 addresses one by one, IPv6 by network, since a customer has one of at
 * least that many addresses and can call from any of them: `192.0.2.7`, `2001:db8:1:200::/56`.
 */
export function addressKey(address: Address, ipv6PrefixBits: number): string {
  if (address.kind() === "ipv4" || ipv6PrefixBits === 128) return addressText(address);
  return `${addressText(networkOf(address, ipv6PrefixBits))}/${ipv6PrefixBits}`;
}
