import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInRange, readAddress, readRange, writeAddress, writeRange } from "./address.ts";
import { KeyList } from "./key-list.ts";

const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join("."));
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
const address = fc.oneof(ipv4, groups.map(writeAddress));

/** The address as one number, the dumb way. */
function numberOf(text: string): bigint {
  return readAddress(text)!.reduce((sum, group) => sum * 65_536n + BigInt(group), 0n);
}

describe("addresses", () => {
  it("are read back from every way of writing them to the one normal form", () => {
    fc.assert(
      fc.property(groups, fc.nat(7), fc.nat(8), fc.boolean(), (values, from, length, upper) => {
        const mapped = values.slice(0, 5).every((value) => value === 0) && values[5] === 0xffff;
        const expected = mapped ? values.slice(6) : values;
        const words = values.map((value) => value.toString(16).padStart(upper ? 4 : 1, "0"));
        const full = upper ? words.join(":").toUpperCase() : words.join(":");
        expect(readAddress(full)).toEqual(expected);
        expect(readAddress(writeAddress(values))).toEqual(expected);
        const zeros = values.slice(from, from + length);
        if (length < 1 || from + length > 8 || zeros.some((value) => value !== 0)) return;
        expect(readAddress(`${words.slice(0, from).join(":")}::${words.slice(from + length).join(":")}`)).toEqual(
          expected,
        );
        const dotted = `${values[6]! >> 8}.${values[6]! & 255}.${values[7]! >> 8}.${values[7]! & 255}`;
        expect(readAddress([...words.slice(0, 6), dotted].join(":"))).toEqual(expected);
      }),
    );
  });

  it.each([
    "",
    " ",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "256.1.1.1",
    "1.2.3.-4",
    "1.2.3.4 ",
    "::1%eth0",
    "[::1]",
    "1::2::3",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8::",
    "g::",
    "12345::",
    "1.2.3.4::",
    "::1.2.3",
    "::ffff:1.2.3.4:5",
    "0x1.2.3.4",
    "１.2.3.4",
  ])("%j is none", (text) => {
    expect(readAddress(text)).toBeNull();
  });

  it("of IPv4 mapped into IPv6 are the IPv4 addresses, and no others are", () => {
    expect(readAddress("::ffff:192.0.2.1")).toEqual(readAddress("192.0.2.1"));
    expect(readAddress("::FFFF:c000:201")).toEqual(readAddress("192.0.2.1"));
    expect(readAddress("::192.0.2.1")).not.toEqual(readAddress("192.0.2.1"));
  });

  it("have the normal form of RFC 5952", () => {
    for (const text of ["::", "::1", "2001:db8::", "2001:db8::1:0:0:1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3"]) {
      expect(writeAddress(readAddress(text)!)).toBe(text);
    }
  });
});

describe("ranges", () => {
  it("hold exactly the addresses of their family whose leading bits are theirs", () => {
    fc.assert(
      fc.property(address, address, fc.nat(128), (base, other, some) => {
        const baseGroups = readAddress(base)!;
        const width = baseGroups.length * 16;
        const bits = some % (width + 1);
        const shift = BigInt(width - bits);
        const masked = (numberOf(base) >> shift) << shift;
        const written = readRange(`${base}/${bits}`);
        if (masked !== numberOf(base)) expect(written).toContain("bits set behind");
        const range = typeof written === "string" ? readRange(/the range is (.*)$/.exec(written)![1]!) : written;
        if (typeof range === "string") throw new Error(range);
        expect(readRange(writeRange(range))).toEqual(range);
        expect(isInRange(baseGroups, range)).toBe(true);
        const otherGroups = readAddress(other)!;
        const inside = otherGroups.length === baseGroups.length && numberOf(other) >> shift === numberOf(base) >> shift;
        expect(isInRange(otherGroups, range)).toBe(inside);
        const list = new KeyList();
        list.add("range", writeRange(range));
        expect(list.has(other)).toBe(inside);
        list.remove("range", writeRange(range));
        expect(list.isEmpty).toBe(true);
      }),
    );
  });

  it.each([
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/",
    "1.2.3.4/08",
    "::/129",
    "::ffff:0.0.0.0/95",
    "x/8",
    "/8",
    "1.2.3.4/8/8",
  ])("%j is none, and the message says how to write one", (text) => {
    expect(readRange(text)).toMatch(/must be from|write 192\.0\.2\.0\/24/);
  });

  it("of mapped addresses are ranges of IPv4", () => {
    expect(readRange("::ffff:10.0.0.0/104")).toEqual(readRange("10.0.0.0/8"));
  });
});

describe("a range in a list", () => {
  const listed = (range: string, key: string) => {
    const list = new KeyList();
    list.add("range", range);
    return list.has(key);
  };

  it.each([
    ["192.0.2.0/24", "192.0.2.7"],
    ["192.0.2.0/24", "ip:192.0.2.7"],
    ["192.0.2.0/24", "ip:::ffff:192.0.2.7"],
    ["192.0.2.0/24", "ip:[::ffff:192.0.2.7]"],
    ["192.0.2.0/24", "ip:192.0.2.0/25"],
    ["192.0.2.7/32", "ip:192.0.2.7"],
    ["2001:db8::/32", "2001:db8::7"],
    ["2001:db8::/32", "[2001:db8::7]"],
    ["2001:db8::/32", "ip:2001:DB8::7"],
    ["2001:db8::/32", "ip:[2001:db8::7]"],
    ["2001:db8::/32", "ip:2001:db8:1:2::/64"],
    ["2001:db8:1:2::/64", "ip:2001:db8:1:2::/64"],
  ])("%s holds %s", (range, key) => expect(listed(range, key)).toBe(true));

  it.each([
    ["192.0.2.0/24", "ip:192.0.3.7"],
    ["192.0.2.0/24", "IP:192.0.2.7"],
    ["192.0.2.0/24", "user:192.0.2.7"],
    ["192.0.2.0/24", "ip:ip:192.0.2.7"],
    ["192.0.2.0/24", "ip: 192.0.2.7"],
    ["192.0.2.0/24", "ip:192.0.2.7:443"],
    ["192.0.2.0/24", "ip:[192.0.2.7]"],
    ["192.0.2.0/24", "ip:192.0.2.7/24"],
    ["192.0.2.0/24", "ip:192.0.0.0/16"],
    ["0.0.0.0/0", "ip:"],
    ["0.0.0.0/0", "ip:unknown"],
    ["::/0", "ip:[2001:db8::7]:443"],
    ["::/0", "ip:[2001:db8::]/64"],
    ["::/0", "ip:[2001:db8::7"],
    ["::/0", "ip:fe80::1%eth0"],
    ["2001:db8:1:2::/65", "ip:2001:db8:1:2::/64"],
    ["2001:db8::/32", "ip:32.1.13.184"],
  ])("%s does not hold %s", (range, key) => expect(listed(range, key)).toBe(false));
});

describe("a list of keys", () => {
  it("finds keys, prefixes and ranges as a walk through all of them would, whatever was added and removed", () => {
    const entry = fc.oneof(
      fc.record({ match: fc.constant("key" as const), value: fc.constantFrom("a", "ab", "abc", "10.0.0.1", "é") }),
      fc.record({ match: fc.constant("prefix" as const), value: fc.constantFrom("a", "ab", "10.", "é", "\u{1f600}") }),
      fc.record({
        match: fc.constant("range" as const),
        value: fc.constantFrom("10.0.0.0/8", "10.0.0.1/32", "::/0", "0.0.0.0/0"),
      }),
    );
    const key = fc.constantFrom(
      "a",
      "abcd",
      "b",
      "10.0.0.1",
      "10.9.9.9",
      "11.0.0.1",
      "::1",
      "::ffff:10.0.0.1",
      "ip:10.0.0.1",
      "ip:[::ffff:a00:1]",
      "ip:11.0.0.1",
      "éa",
      "\u{1f600}x",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), entry), { maxLength: 20 }), key, (steps, asked) => {
        const list = new KeyList();
        const held = new Map<string, (typeof steps)[number][1]>();
        for (const [add, each] of steps) {
          if (add) held.set(JSON.stringify(each), each);
          else held.delete(JSON.stringify(each));
          if (add) list.add(each.match, each.value);
          else list.remove(each.match, each.value);
        }
        const expected = [...held.values()].some(({ match, value }) => {
          if (match === "key") return asked === value;
          if (match === "prefix") return asked.startsWith(value);
          const range = readRange(value);
          const groupsOfKey = readAddress(asked.replace(/^ip:/, "").replace(/^\[(.*)\]$/, "$1"));
          return typeof range !== "string" && groupsOfKey !== null && isInRange(groupsOfKey, range);
        });
        expect(list.has(asked)).toBe(expected);
        expect(list.isEmpty).toBe(held.size === 0);
      }),
    );
  });
});
