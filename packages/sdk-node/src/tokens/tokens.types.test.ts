import { expectTypeOf, test } from "vitest";
import type { SigningTokenJwk, TokenIssuer, TokenJwk, TokenKey } from "./index.ts";
import { createTokenIssuer } from "./index.ts";

// `tsc` checks this file; at run time it only has to load. Each @ts-expect-error fails the build if it compiles.
declare const issuer: TokenIssuer;
declare const key: SigningTokenJwk;
declare const secret: TokenJwk;

const neverRun = () => {
  expectTypeOf(issuer.mint({ key: "user:1", policies: ["button"] })).resolves.toBeString();
  issuer.mint({ keyPrefix: "user:1:", policies: ["button"], operations: ["check", "reset"], expiresIn: "90s" });
  issuer.mintForServer();
  issuer.mintForServer({ operations: ["admin"], subject: "deploy" });
  createTokenIssuer({ key, audience: undefined });
  createTokenIssuer({ key: secret });
  createTokenIssuer({ key: "{}" });
  expectTypeOf<TokenKey["privateKey"]>().toHaveProperty("d");
  // What nodes have of a key never says its private part.
  expectTypeOf<TokenKey["nodeKey"]>().not.toHaveProperty("d");

  // @ts-expect-error a token for all keys is a server's
  issuer.mint({ policies: ["button"] });
  // @ts-expect-error a key or a prefix, not both
  issuer.mint({ key: "user:1", keyPrefix: "user:1:", policies: ["button"] });
  // @ts-expect-error who names no policy would let its holder choose any
  issuer.mint({ key: "user:1" });
  // @ts-expect-error a browser never chooses a limit
  issuer.mint({ key: "user:1", policies: ["button"], operations: ["inline-limits"] });
  // @ts-expect-error nor is it an operator
  issuer.mint({ key: "user:1", policies: ["button"], operations: ["admin"] });
  // @ts-expect-error a server's token is bound to no key
  issuer.mintForServer({ key: "user:1" });
  // @ts-expect-error a span of time has a unit
  issuer.mint({ key: "user:1", policies: ["button"], expiresIn: "300" });
  // @ts-expect-error a key has an id, by which nodes find it
  createTokenIssuer({ key: { kty: "oct", k: "" } });
};

test("the types of tokens are as published", () => {
  expectTypeOf(neverRun).toBeFunction();
});
