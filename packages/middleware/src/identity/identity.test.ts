import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { boundedKey } from "./bounded-key.ts";
import { readNetworks } from "./networks.ts";
import { addressKey, addressText, parseAddress } from "./parse-address.ts";
import { clientAddress, readTrustedProxies } from "./trusted-proxies.ts";

describe("an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    [" 192.0.2.7:443 ", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:0207", "192.0.2.7"],
    ["[::ffff:192.0.2.7]:443", "192.0.2.7"],
    ["64:ff9b::192.0.2.7", "192.0.2.7"],
    ["[64:FF9B:0::c000:207]:443", "192.0.2.7"],
    ["::ffff:0:192.0.2.7", "192.0.2.7"],
    ["64:ff9b:1::192.0.2.7", "64:ff9b:1::c000:207"],
    ["::ffff:1:192.0.2.7", "::ffff:1:c000:207"],
    ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:65535", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
  ])("%j is read as %s", (text, expected) => {
    expect(addressText(parseAddress(text)!)).toBe(expected);
  });

  it.each([
    ...["", "unknown", "_hidden", "127.1", "0x7f.0.0.1", "010.0.0.1", "1", "256.0.0.1", "192.0.2.7.1", "192.0.2.7:x"],
    ...[
      "192.0.2.7:123456",
      ":",
      "::g",
      "1:2:3:4:5:6:7:8:9",
      "[192.0.2.7",
      '"192.0.2.7"',
      "192.0.2.7 10.0.0.1",
      "a".repeat(9_000),
    ],
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  it.each([
    ["192.0.2.7", 56, "192.0.2.7"],
    ["2001:db8:1:2ff:aaaa::1", 56, "2001:db8:1:200::/56"],
    ["2001:db8:1:2ff:aaaa::1", 64, "2001:db8:1:2ff::/64"],
    ["2001:db8:1:2ff:aaaa::1", 60, "2001:db8:1:2f0::/60"],
    ["2001:db8:ffff::1", 33, "2001:db8:8000::/33"],
    ["2001:db8::1", 128, "2001:db8::1"],
    ["::1", 56, "::/56"],
    ["::ffff:192.0.2.7", 56, "192.0.2.7"],
    ["64:ff9b::192.0.2.7", 56, "192.0.2.7"],
    ["::ffff:0:192.0.2.7", 56, "192.0.2.7"],
  ])("%s counts by /%i as %s", (text, bits, expected) => {
    expect(addressKey(parseAddress(text)!, bits)).toBe(expected);
  });
});

describe("the address of a request", () => {
  const address = (peer: string | null, list: string | null, trusted: unknown) => {
    const found = clientAddress(peer, list, readTrustedProxies(trusted));
    return found === null ? null : addressText(found);
  };
  const own = ["10.0.0.0/8", "2001:db8::/32"];

  it.each([
    // Nobody is trusted: what callers write changes nothing.
    [undefined, "192.0.2.7", "198.51.100.1", "192.0.2.7"],
    [undefined, "192.0.2.7", null, "192.0.2.7"],
    [[], "10.0.0.1", "198.51.100.1", "10.0.0.1"],
    [0, "10.0.0.1", "198.51.100.1", "10.0.0.1"],
    // By networks.
    [own, "192.0.2.7", "198.51.100.1", "192.0.2.7"],
    [own, "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    [own, "::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"],
    [own, "2001:db8::5", "198.51.100.1:8080", "198.51.100.1"],
    [own, "10.0.0.1", "8.8.8.8, 198.51.100.1 ,10.0.0.2", "198.51.100.1"],
    [own, "10.0.0.1", "10.0.0.9, 198.51.100.1", "198.51.100.1"],
    [own, "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    [own, "10.0.0.1", null, "10.0.0.1"],
    // What cannot be read ends the walk at the last address that is known.
    [own, "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    [own, "10.0.0.1", "198.51.100.1, , 10.0.0.2", "10.0.0.2"],
    [own, "10.0.0.1", "", "10.0.0.1"],
    [own, "nobody", "198.51.100.1", null],
    [own, null, "198.51.100.1", null],
    // By number.
    [1, "192.0.2.7", "8.8.8.8, 198.51.100.1", "198.51.100.1"],
    [2, "192.0.2.7", "8.8.8.8, 198.51.100.1, 10.0.0.1", "198.51.100.1"],
    [3, "192.0.2.7", "198.51.100.1", "198.51.100.1"],
    [1, null, "198.51.100.1", "198.51.100.1"],
    [1, null, null, null],
    [1, "192.0.2.7", null, "192.0.2.7"],
    [2, "192.0.2.7", "198.51.100.1, garbage, 10.0.0.1", "10.0.0.1"],
  ])("trusting %j, called by %s with %j, is %s", (trusted, peer, list, expected) => {
    expect(address(peer, list, trusted)).toBe(expected);
  });

  it("is found quickly in a header of any length", () => {
    const list = Array.from({ length: 100_000 }, () => "8.8.8.8").join(",");
    expect(address("10.0.0.1", list, own)).toBe("8.8.8.8");
    expect(address("10.0.0.1", "10.0.0.1,".repeat(2_000), own)).toBe("10.0.0.1");
  });
});

describe("trustedProxies", () => {
  it.each<[unknown, RegExp]>([
    [true, /^trustedProxies: true cannot be used; everybody could write an address.*\["10\.0\.0\.0\/8"\], or how many/],
    ["loopback", /write a list: \["loopback"\]/],
    ["10.0.0.0/8,192.0.2.1", /write a list: \["10\.0\.0\.0\/8","192\.0\.2\.1"\]/],
    ["1", /write the number 1,/],
    [-1, /whole number from 0 to 16/],
    [1.5, /whole number from 0 to 16/],
    [Number.POSITIVE_INFINITY, /whole number from 0 to 16/],
    [{}, /write the networks of your proxies/],
    [null, /write the networks of your proxies/],
    [["0.0.0.0/0"], /trustedProxies\[0\].*strangers; a prefix has at least 8 bits/],
    [["10.0.0.0/8", "::/0"], /trustedProxies\[1\].*at least 7 bits/],
    [["0.0.0.0/1", "128.0.0.0/1"], /at least 8 bits/],
    [["::ffff:0.0.0.0/96"], /at least 8 bits/],
    [["64:ff9b::/96"], /at least 8 bits/],
    [["10.1.2.3/8"], /bits are set behind its prefix; write "10\.0\.0\.0\/8"/],
    [["10.0.0.0/33"], /at most 32 bits/],
    [["::ffff:10.0.0.0/129"], /at most 128 bits/],
    [["10.0.0"], /write a network/],
    [["10.0.0.1:443"], /write a network/],
    [["fe80::1%eth0"], /write a network/],
    [["proxy.example"], /write a network/],
    [[""], /write a network/],
    [[7], /write a network/],
  ])("%j is refused, with what to write", (value, message) => {
    expect(() => readTrustedProxies(value)).toThrow(message);
    expect(() => readTrustedProxies(value)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("takes networks and single addresses, however they are written", () => {
    const list = ["10.0.0.0/8", "::ffff:192.0.2.0/120", "192.0.2.1", "2001:DB8::7", "fc00::/7"];
    const read = readNetworks(list, "x").map((one) => `${addressText(one.address)}/${one.prefixBits}`);
    expect(read).toEqual(["10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32", "2001:db8::7/128", "fc00::/7"]);
    expect(readTrustedProxies(undefined)).toEqual([]);
    expect(readTrustedProxies(false)).toEqual([]);
  });
});

describe("a key", () => {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  const sha256 = (text: string) => createHash("sha256").update(JSON.stringify(text)).digest("hex");

  it("is the text as it is, while a guard takes that", async () => {
    for (const text of ["a", "ключ", "x".repeat(507), "é".repeat(253)]) {
      expect(await boundedKey("user:", text)).toBe(`user:${text}`);
    }
  });

  it("is a hash of what is too long or no UTF-8, under a label of its own", async () => {
    for (const text of ["x".repeat(508), "é".repeat(254), "🔑".repeat(10_000), "\ud800", "a\udc00b"]) {
      const key = await boundedKey("user:", text);
      expect(key).toBe(`user-sha256:${sha256(text)}`);
      expect(bytes(key)).toBeLessThanOrEqual(512);
    }
    expect(await boundedKey("", "x".repeat(513))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await boundedKey("user:", "\ud800")).not.toBe(await boundedKey("user:", "\ud801"));
  });
});
