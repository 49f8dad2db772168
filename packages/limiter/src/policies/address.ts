/**
 * Internet addresses and ranges of them, as text in keys and lists. An address is its 16-bit groups: two for IPv4, eight
 * for IPv6. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is that IPv4 address, because the same visitor comes as
 * either, depending on the socket that it met.
 */
export type AddressGroups = readonly number[];

/** A range of addresses of one family: those whose first `bits` bits are those of `groups`. */
export interface AddressRange {
  readonly groups: AddressGroups;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly bits: number;
}

const IPV4_GROUPS = 2;
const IPV6_GROUPS = 8;
/** Where the IPv4 address begins in one that is mapped into IPv6, in groups. */
const MAPPED_GROUPS = 6;
/** No address is longer as text. */
const MAX_ADDRESS_CHARACTERS = 45;
/** What examples put in front of a key that is an address. */
const ADDRESS_LABEL = "ip:";
/** The label, an address, and brackets or the four characters of its bits. */
const MAX_ADDRESS_KEY_CHARACTERS = ADDRESS_LABEL.length + MAX_ADDRESS_CHARACTERS + 4;

/**
 * Reads an address; null if the text is not one. Strict where readers differ: no leading zeros in IPv4 (octal to some),
 * no ports, zones, brackets or spaces.
 */
export function readAddress(text: string): AddressGroups | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null;
  if (text.includes(":")) {
    const groups = readIpv6(text);
    return groups !== null && isMapped(groups) ? groups.slice(MAPPED_GROUPS) : groups;
  }
  return readIpv4(text);
}

/**
 * Reads the address or network that a key stands for; null if it stands for none. It is the whole key, or what follows
 * the label `ip:`, the one that our examples put in front. An IPv6 address may be in brackets, as in URLs; a network, such
 * as the `/64` that stands for all addresses of one customer, is written as {@link readRange} has it.
 */
export function readAddressKey(key: string): AddressRange | null {
  if (key.length > MAX_ADDRESS_KEY_CHARACTERS) return null;
  const text = key.startsWith(ADDRESS_LABEL) ? key.slice(ADDRESS_LABEL.length) : key;
  if (text.startsWith("[") && text.endsWith("]") && text.includes(":")) return wholeOf(readAddress(text.slice(1, -1)));
  const slash = text.indexOf("/");
  if (slash < 0) return wholeOf(readAddress(text));
  // Most keys with a slash are paths: they should not cost a message that nobody reads.
  if (readAddress(text.slice(0, slash)) === null) return null;
  const range = readRange(text);
  return typeof range === "string" ? null : range;
}

function wholeOf(groups: AddressGroups | null): AddressRange | null {
  return groups === null ? null : { groups, bits: groups.length * 16 };
}

/** The range as {@link readRange} would take it, in its one normal form: lower case, the longest run of zeros left out. */
export function writeRange(range: AddressRange): string {
  return `${writeAddress(range.groups)}/${range.bits}`;
}

/** The address in its one normal form (RFC 5952 for IPv6). */
export function writeAddress(groups: AddressGroups): string {
  if (groups.length === IPV4_GROUPS) {
    return groups.flatMap((group) => [group >>> 8, group & 0xff]).join(".");
  }
  const { from, length } = longestZeros(groups);
  const words = groups.map((group) => group.toString(16));
  if (length < 2) return words.join(":");
  return `${words.slice(0, from).join(":")}::${words.slice(from + length).join(":")}`;
}

/**
 * Reads a range: an address, a slash and the number of leading bits that count. An address alone is the range of itself.
 * Bits behind the prefix must be zero, since such a range is more often a mistake than a way of writing.
 *
 * @returns the range, or what is wrong with the text.
 */
export function readRange(text: string): AddressRange | string {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const mapped = address.includes(":") && (readIpv6(address)?.length ?? 0) > 0 && isMapped(readIpv6(address)!);
  const groups = readAddress(address);
  if (groups === null) return `${JSON.stringify(text)} is no IPv4 or IPv6 range; write 192.0.2.0/24 or 2001:db8::/32`;
  const most = groups.length * 16;
  if (slash < 0) return { groups, bits: most };
  const digits = text.slice(slash + 1);
  const written = /^(0|[1-9][0-9]{0,2})$/.test(digits) ? Number(digits) : -1;
  const bits = mapped ? written - MAPPED_GROUPS * 16 : written;
  if (bits < 0 || bits > most) {
    const least = mapped ? MAPPED_GROUPS * 16 : 0;
    return `${JSON.stringify(text)} has /${digits}; the number of bits must be from ${least} to ${most + least}`;
  }
  const masked = maskGroups(groups, bits);
  if (masked.some((group, i) => group !== groups[i])) {
    return `${JSON.stringify(text)} has bits set behind its first ${bits}; the range is ${writeRange({ groups: masked, bits })}`;
  }
  return { groups, bits };
}

/** Whether the address lies in the range; never across families. */
export function isInRange(groups: AddressGroups, range: AddressRange): boolean {
  if (groups.length !== range.groups.length) return false;
  return maskGroups(groups, range.bits).every((group, i) => group === range.groups[i]);
}

/** The address with all bits behind the first `bits` cleared. */
export function maskGroups(groups: AddressGroups, bits: number): AddressGroups {
  return groups.map((group, i) => {
    const kept = Math.min(16, Math.max(0, bits - i * 16));
    return group & (0xffff << (16 - kept)) & 0xffff;
  });
}

function isMapped(groups: AddressGroups): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

function readIpv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  if (bytes.some((byte) => byte > 255)) return null;
  return [bytes[0]! * 256 + bytes[1]!, bytes[2]! * 256 + bytes[3]!];
}

function readIpv6(text: string): number[] | null {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const groups = readGroups(text, true);
    return groups?.length === IPV6_GROUPS ? groups : null;
  }
  const head = readGroups(text.slice(0, gap), false);
  const tail = readGroups(text.slice(gap + 2), true);
  if (head === null || tail === null) return null;
  const zeros = IPV6_GROUPS - head.length - tail.length;
  // The gap stands for at least one group; eight groups and a gap besides would be two ways of writing one address.
  return zeros < 1 ? null : [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/** Groups between single colons; the last may be an IPv4 address where the text ends. */
function readGroups(text: string, endsText: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (endsText && i === parts.length - 1 && part.includes(".")) {
      const ipv4 = readIpv4(part);
      if (ipv4 === null) return null;
      groups.push(...ipv4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: AddressGroups): { readonly from: number; readonly length: number } {
  let best = { from: 0, length: 0 };
  for (let from = 0; from < groups.length; from++) {
    let length = 0;
    while (groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  return best;
}
