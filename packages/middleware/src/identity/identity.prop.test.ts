import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addressKey, addressText, parseAddress } from "./parse-address.ts";
import { clientAddress, readTrustedProxies } from "./trusted-proxies.ts";

/** Text that is an address, nearly one, or none. */
const almostAddress = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 }).map((parts) => parts.join(".")),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdefxAF:.%"), maxLength: 24 }),
);
const proxies = ["10.0.0.0/8", "2001:db8::/32"];
const proxy = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rest) => `10.${rest.join(".")}`),
  fc.nat(0xffff).map((last) => `2001:db8::${last.toString(16)}`),
  fc.nat(255).map((last) => `::ffff:10.0.0.${last}`),
);
/** Whoever is no proxy. */
const stranger = fc.oneof(
  fc.ipV4().filter((text) => !text.startsWith("10.")),
  fc.ipV6().filter((text) => !/^(?:2001|::ffff|0*:)/i.test(text)),
);
/** What callers may send: anything, any number of entries. */
const forged = fc.oneof(
  fc.string(),
  fc.array(fc.oneof(almostAddress, proxy)).map((entries) => entries.join(", ")),
);

test("what is read as an address is what Node takes for one", () => {
  fc.assert(
    fc.property(almostAddress, (text) => {
      expect(parseAddress(text) !== null).toBe(isIP(text.split("%")[0]!) !== 0);
    }),
    { numRuns: 3_000 },
  );
});

test("nobody behind proxies chooses an address, whatever they send", () => {
  fc.assert(
    fc.property(forged, stranger, fc.array(proxy, { minLength: 1, maxLength: 4 }), (sent, caller, chain) => {
      // Each proxy appends whom it was called by; the last one is the connection's other end.
      const list = [sent, caller, ...chain.slice(0, -1)].join(", ");
      const expected = addressText(parseAddress(caller)!);
      for (const trusted of [proxies, chain.length]) {
        const found = clientAddress(chain.at(-1)!, list, readTrustedProxies(trusted));
        expect(addressText(found!)).toBe(expected);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("nobody who comes without a proxy chooses an address", () => {
  fc.assert(
    fc.property(forged, stranger, (sent, caller) => {
      for (const trusted of [[], proxies, 0]) {
        const found = clientAddress(caller, sent, readTrustedProxies(trusted));
        expect(addressText(found!)).toBe(addressText(parseAddress(caller)!));
      }
    }),
  );
});

test("addresses share a key exactly if they share the network's bits", () => {
  const bitsOf = (text: string) =>
    parseAddress(text)!
      .toByteArray()
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("");
  const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, fc.nat(127), fc.integer({ min: 32, max: 128 }), (parts, flipped, prefixBits) => {
      const other = parts.map((part, at) => (at === flipped >> 4 ? part ^ (1 << (15 - (flipped & 15))) : part));
      const [one, two] = [parts, other].map((each) => each.map((part) => part.toString(16)).join(":")) as [
        string,
        string,
      ];
      const keys = [one, two].map((text) => addressKey(parseAddress(text)!, prefixBits));
      const same = bitsOf(one).slice(0, prefixBits) === bitsOf(two).slice(0, prefixBits);
      fc.pre(bitsOf(one).length === 128 && bitsOf(two).length === 128);
      expect(keys[0] === keys[1]).toBe(same);
      expect(keys[0]).toMatch(prefixBits === 128 ? /^[0-9a-f:.]+$/ : new RegExp(`^[0-9a-f:.]+/${prefixBits}$`));
    }),
  );
});
