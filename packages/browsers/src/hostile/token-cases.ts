import { allowPath, callFor } from "./arena.ts";
import { type Forgery, forge, withPublicKeyAsSecret } from "./forged-tokens.ts";
import type { HostileCase } from "./hostile-case.ts";

const nowS = () => Math.floor(Date.now() / 1_000);
const refused = { status: 401, code: "unauthenticated" } as const;

function forged(name: string, reason: string, forgery: Forgery | (() => Forgery)): HostileCase {
  return {
    ...{ name, reason, ...refused },
    send: (arena) => arena.send({ token: forge(arena, typeof forgery === "function" ? forgery() : forgery) }),
  };
}

/** Who the caller is: tokens that are none, not ours, not yet, no longer, or somebody's who changed them. */
export const tokenCases: readonly HostileCase[] = [
  {
    name: "a call without a token",
    send: ({ send }) => send({ token: null }),
    ...refused,
    reason: "TOKEN_MISSING",
  },
  {
    name: "a password in place of a token",
    send: ({ send }) => send({ headers: { authorization: "Basic YWRtaW46YWRtaW4=" } }),
    ...refused,
    reason: "TOKEN_MISSING",
  },
  {
    name: "a token in the address rather than in the header",
    send: ({ send, token }) => send({ token: null, path: `${allowPath}?access_token=${token}` }),
    ...refused,
    reason: "TOKEN_MISSING",
  },
  {
    name: "a token in a cookie",
    send: ({ send, token }) => send({ token: null, headers: { cookie: `authorization=Bearer ${token}` } }),
    ...refused,
    reason: "TOKEN_MISSING",
  },
  {
    name: "a word in place of a token",
    send: ({ send }) => send({ token: "letmein" }),
    ...refused,
    reason: "TOKEN_MALFORMED",
  },
  {
    name: "a token of 5,000 bytes",
    send: ({ send }) => send({ token: "e".repeat(5_000) }),
    ...refused,
    reason: "TOKEN_MALFORMED",
  },
  { name: "a token of 20,000 bytes", send: ({ send }) => send({ token: "e".repeat(20_000) }), status: 400 },
  forged("an unsigned token", "TOKEN_WRONG_ALGORITHM", { header: { alg: "none" }, signature: () => "AA" }),
  {
    name: "a token signed with the public key as if it were a secret",
    send: (arena) =>
      arena.send({ token: forge(arena, { header: { alg: "HS256" }, signature: withPublicKeyAsSecret(arena) }) }),
    ...refused,
    reason: "TOKEN_WRONG_ALGORITHM",
  },
  forged("a token of an unknown key", "TOKEN_UNKNOWN_KEY", { header: { kid: "mine" } }),
  forged("a token whose key is a file", "TOKEN_UNKNOWN_KEY", { header: { kid: "../../../../dev/null" } }),
  forged("a token whose key is __proto__", "TOKEN_UNKNOWN_KEY", { header: { kid: "__proto__" } }),
  forged("a token that brings its own key", "TOKEN_MALFORMED", { header: { jku: "https://stranger.test/keys" } }),
  forged("a JWT that was made for something else", "TOKEN_MALFORMED", { header: { typ: "JWT" } }),
  forged("a token that is over", "TOKEN_EXPIRED", () => ({ claims: { iat: nowS() - 120, exp: nowS() - 60 } })),
  forged("a token of tomorrow", "TOKEN_NOT_YET_VALID", () => ({
    claims: { iat: nowS() + 86_400, exp: nowS() + 86_460 },
  })),
  forged("a token for ten years", "TOKEN_EXPIRED", () => ({ claims: { exp: nowS() + 315_360_000 } })),
  forged("a token for another audience", "TOKEN_WRONG_AUDIENCE", { claims: { aud: "staging" } }),
  forged("a token with a restriction that nodes do not know", "TOKEN_MALFORMED", {
    claims: { qg: { ops: ["check"], cities: ["Trier"] } },
  }),
  {
    name: "a token whose key was exchanged after it was signed",
    send: (arena) => {
      const [header, , signature] = arena.token.split(".");
      const [, claims] = forge(arena, { claims: { qg: { ops: ["check"], key: arena.victim } } }).split(".");
      return arena.send({ token: `${header}.${claims}.${signature}`, body: callFor(arena.victim) });
    },
    ...refused,
    reason: "TOKEN_BAD_SIGNATURE",
  },
  {
    name: "a token whose signature is spelt in another way",
    send: (arena) => arena.send({ token: arena.token.slice(0, -1) + nextLetter(arena.token.at(-1) ?? "") }),
    ...refused,
    reason: "TOKEN_MALFORMED",
  },
  {
    name: "a token for one call, used for a second one",
    send: async (arena) => {
      const once = { key: arena.mine, policies: ["button"], once: `once-${arena.mine}` } as const;
      const token = await arena.scene.issuer.mint(once);
      const first = await arena.send({ token, body: { ...callFor(arena.mine), requestId: once.once } });
      if (first.status !== 200) return first;
      return arena.send({ token, body: { ...callFor(arena.mine), requestId: "another" } });
    },
    ...refused,
    reason: "TOKEN_REPLAYED",
  },
  {
    name: "a token that is used more than one holder may, on every node",
    send: async (arena) => {
      const calls = Array.from({ length: 1_024 }, () => ({ checks: [callFor(arena.mine).check] }));
      const flood = () => arena.send({ path: "/quorumguard.v1.GuardService/AllowBatch", body: { calls } });
      // Every node takes one such batch, and is owed for it.
      let answer = await flood();
      for (const _node of arena.scene.cluster.nodes) if (answer.status === 200) answer = await flood();
      return answer;
    },
    status: 429,
    code: "resource_exhausted",
    reason: "TOKEN_OVERUSED",
  },
];

/** In base64url the last letter of 64 bytes has four bits to spare: the next one stands for the same bytes. */
function nextLetter(letter: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return letters[letters.indexOf(letter) + 1] ?? "";
}
