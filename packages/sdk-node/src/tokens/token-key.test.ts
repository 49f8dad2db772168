import { tokenBounds } from "@quorumguard/proto";
import { expect, test } from "vitest";
import { createTokenKey, nodeKeySet } from "./token-key.ts";

test("of an EdDSA key, nodes get a part that signs nothing", async () => {
  const { privateKey, nodeKey } = await createTokenKey({ id: "2026-11" });
  const { d, ...rest } = privateKey;
  expect(d).toMatch(/^[\w-]{43}$/);
  expect(nodeKey).toEqual(rest);
  expect(nodeKey).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: "2026-11" });
});

test("an HS256 key is one secret of 32 bytes, and no two are alike", async () => {
  const { privateKey, nodeKey } = await createTokenKey({ id: "a", algorithm: "HS256" });
  expect(nodeKey).toEqual(privateKey);
  expect(privateKey).toEqual({
    kty: "oct",
    alg: "HS256",
    use: "sig",
    kid: "a",
    k: expect.stringMatching(/^[\w-]{43}$/),
  });
  expect((await createTokenKey({ id: "a", algorithm: "HS256" })).privateKey.k).not.toBe(privateKey.k);
});

test("a key is made by its own options only", async () => {
  await expect(createTokenKey({ id: "" })).rejects.toThrow("id: ");
  await expect(createTokenKey({ id: "a", algorithm: "RS256" as never })).rejects.toThrow("EdDSA, HS256");
  await expect(createTokenKey({ kid: "a" } as never)).rejects.toThrow("a key's kid is its `id` here");
});

test("the set for nodes holds no private part, whichever part it is made from", async () => {
  const [one, two, three] = await Promise.all(["1", "2", "3"].map((id) => createTokenKey({ id })));
  const secret = await createTokenKey({ id: "4", algorithm: "HS256" });
  const { keys } = nodeKeySet([one!, two!.privateKey, three!.nodeKey, secret]);
  expect(keys).toEqual([one!.nodeKey, two!.nodeKey, three!.nodeKey, secret.nodeKey]);
});

test("the set for nodes has 1 to 16 keys, each with its own id", async () => {
  const key = await createTokenKey({ id: "a" });
  expect(() => nodeKeySet([])).toThrow("give 1 to 16");
  expect(() => nodeKeySet([key, key.nodeKey])).toThrow("keys[1].kid");
  expect(() => nodeKeySet([{ ...key.nodeKey, x: "AAAA" }])).toThrow("keys[0].x");
  const many = Array.from({ length: tokenBounds.maxKeys + 1 }, (_, at) => ({ ...key.nodeKey, kid: String(at) }));
  expect(() => nodeKeySet(many)).toThrow("give 1 to 16");
  expect(nodeKeySet(many.slice(1)).keys).toHaveLength(tokenBounds.maxKeys);
});
