import { ErrorReason, type TokenGrant } from "@quorumguard/proto";
import { expect, it } from "vitest";
import { CallError } from "../call-error.ts";
import { rejection } from "../rejection.fixture.ts";
import { TokenCache } from "./token-cache.ts";
import { checkTokenKeys } from "./token-keys.ts";
import { ed25519Key, mint, type TestKey } from "./tokens.fixture.ts";

const [one, two] = [ed25519Key("one"), ed25519Key("two")];
const check: TokenGrant = { ops: ["check"] };
const setOf = (...keys: TestKey[]) => checkTokenKeys({ keys: keys.map(({ jwk }) => jwk) });

function cacheOf(maxTokens?: number): { readonly cache: TokenCache; readonly clock: { ms: number } } {
  const clock = { ms: Date.now() };
  const more = maxTokens === undefined ? {} : { maxTokens };
  const cache = new TokenCache({ keys: setOf(one, two), audience: "quorumguard", wallMs: () => clock.ms, ...more });
  return { cache, clock };
}

it("checks a token once: calls of one turn share the check, and later ones are answered at once", async () => {
  const { cache } = cacheOf();
  const token = mint(one, check);
  const [first, second] = [cache.verify(token), cache.verify(token)];
  expect(second).toBe(first);
  const verified = await first;
  expect(cache.verify(token)).toBe(verified);
});

it("refuses a remembered token from its end on", async () => {
  const { cache, clock } = cacheOf();
  const token = mint(one, check);
  const { expiresAtMs } = await cache.verify(token);
  clock.ms = expiresAtMs - 1;
  await cache.verify(token);
  clock.ms = expiresAtMs;
  expect((await rejection(Promise.resolve(token).then((text) => cache.verify(text)))).detail.reason).toBe(
    ErrorReason.TOKEN_EXPIRED,
  );
  expect(cache.size).toBe(0);
});

it("remembers so many, and forgets the one that was used least recently", async () => {
  const { cache } = cacheOf(2);
  const [a, b, c] = ["a", "b", "c"].map((sub) => mint(one, check, { sub }));
  const kept = await cache.verify(a!);
  await cache.verify(b!);
  expect(cache.verify(a!)).toBe(kept);
  await cache.verify(c!);
  expect(cache.size).toBe(2);
  expect(cache.verify(a!)).toBe(kept);
  expect(cache.verify(b!)).toBeInstanceOf(Promise);
});

it("remembers nothing of tokens that are no good", async () => {
  const { cache } = cacheOf();
  await rejection(Promise.resolve(cache.verify(mint(ed25519Key("one"), check))));
  await rejection(Promise.resolve(cache.verify("garbage")));
  expect(cache.size).toBe(0);
});

it("forgets the tokens of a key that goes, and takes those of one that stays", async () => {
  const { cache } = cacheOf();
  const [old, other] = [mint(one, check), mint(two, check)];
  const [goes, stays] = [await cache.verify(old), await cache.verify(other)];
  cache.replaceKeys(setOf(two));
  expect(cache.objection(goes)?.detail.reason).toBe(ErrorReason.TOKEN_UNKNOWN_KEY);
  expect(cache.objection(stays)).toBeNull();
  expect((await rejection(Promise.resolve(cache.verify(old)))).detail.reason).toBe(ErrorReason.TOKEN_UNKNOWN_KEY);
  expect((await cache.verify(other)).grant).toEqual(check);
});

it("objects to a token whose key came back under the same id with other bytes", async () => {
  const { cache } = cacheOf();
  const verified = await cache.verify(mint(one, check));
  cache.replaceKeys(setOf(ed25519Key("one"), two));
  expect(cache.objection(verified)).toBeInstanceOf(CallError);
});

it("judges a token that is being checked by the keys that come meanwhile", async () => {
  const { cache } = cacheOf();
  const checking = Promise.resolve(cache.verify(mint(one, check)));
  cache.replaceKeys(setOf(two));
  expect((await rejection(checking)).detail.reason).toBe(ErrorReason.TOKEN_UNKNOWN_KEY);
  expect(cache.size).toBe(0);
  const early = Promise.resolve(cache.verify(mint(one, check)));
  cache.replaceKeys(setOf(one));
  expect((await early).grant).toEqual(check);
});
