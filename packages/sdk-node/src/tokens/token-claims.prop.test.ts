import { type TokenClaims, tokenBounds } from "@quorumguard/proto";
import fc from "fast-check";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import type { MintOptions, ScopedOperation } from "./mint-options.ts";
import { createTokenIssuer } from "./token-issuer.ts";
import { createTokenKey } from "./token-key.ts";

const { privateKey } = await createTokenKey({ id: "k", algorithm: "HS256" });
const operations: ScopedOperation[] = ["check", "peek", "reset", "reserve"];

/** Well-formed text of so many bytes at most: a unit of UTF-16 takes three. */
const text = (maxBytes: number) => fc.string({ unit: "grapheme", minLength: 1 }).map((each) => cut(each, maxBytes));
const cut = (each: string, maxBytes: number): string =>
  Buffer.byteLength(each) <= maxBytes ? each : cut([...each].slice(0, -1).join(""), maxBytes);

const scope = fc.oneof(
  text(512).map((key) => ({ key })),
  text(511).map((start) => ({ keyPrefix: `${start}/` })),
);

test("a token says what it was made for, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(
      scope,
      fc.array(text(40), { minLength: 1, maxLength: 8 }),
      fc.subarray(operations, { minLength: 1 }),
      fc.integer({ min: 1, max: tokenBounds.maxLifetimeS }),
      fc.option(text(128), { nil: undefined }),
      fc.option(text(128), { nil: undefined }),
      fc.integer({ min: 0, max: 4e12 }),
      async (bound, policies, ops, lifetimeS, namespace, subject, nowMs) => {
        const issuer = createTokenIssuer({ key: privateKey, wallMs: () => nowMs });
        const options: MintOptions = {
          ...bound,
          policies,
          operations: ops,
          expiresIn: `${lifetimeS}s`,
          namespace,
          subject,
        };
        const token = await issuer.mint(options);
        const iat = Math.floor(nowMs / 1_000);
        const expected: TokenClaims = {
          aud: "quorumguard",
          iat,
          exp: iat + lifetimeS,
          ...(subject !== undefined && { sub: subject }),
          qg: { ops, ...(namespace !== undefined && { ns: namespace }), policies, ...bound },
        };
        expect(decodeJwt(token)).toEqual(expected);
      },
    ),
  );
});
