import type { Mutant } from "../mutant.ts";

const verifying = "cluster/src/server/tokens/verify-token.test.ts";
const remembering = "cluster/src/server/tokens/token-cache.test.ts";
const scoping = "cluster/src/server/tokens/scoped-guard.test.ts";
const using = "cluster/src/server/tokens/overuse.test.ts";
const usage = "cluster/src/server/tokens/token-usage.test.ts";
const streaming = "cluster/src/server/tokens/session-tokens.test.ts";

/** Bugs in how a node verifies tokens, and in what it lets their holders do. */
export const tokenMutants: readonly Mutant[] = [
  {
    name: "token-algorithm-from-its-header",
    breaks: "a token says itself how it is verified: what its key is for no longer counts (RFC 8725, section 3.1)",
    edits: [
      {
        file: "cluster/src/server/tokens/verify-token.ts",
        search: '  if (header.get("alg") !== key.algorithm) {',
        replacement: '  if (header.get("alg") === "none") {',
      },
      {
        file: "cluster/src/server/tokens/verify-token.ts",
        search: "      algorithms: [key.algorithm],\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [verifying] },
  },
  {
    name: "token-for-a-list-of-audiences",
    breaks: "a token that was made for several clusters at once is taken by each",
    edits: [
      {
        file: "cluster/src/server/tokens/verify-token.ts",
        search: '  if (typeof claims.get("aud") !== "string") {',
        replacement: '  if (claims.get("aud") === undefined) {',
      },
    ],
    foundBy: { tests: [verifying] },
  },
  {
    name: "token-with-unknown-restrictions",
    breaks: "a field of the grant that this node does not know is passed over, though it may restrict",
    edits: [
      {
        file: "cluster/src/server/tokens/read-grant.ts",
        search: "    if (!known.has(name)) {",
        replacement: '    if (!known.has(name) && name === "") {',
      },
    ],
    foundBy: { tests: [verifying] },
  },
  {
    name: "token-remembered-beyond-its-end",
    breaks: "a token that was good once is good for as long as it is remembered",
    edits: [
      {
        file: "cluster/src/server/tokens/token-cache.ts",
        search: "    if (this.leftMs(known) <= 0) throw expired();\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [remembering] },
  },
  {
    name: "token-outlives-its-key",
    breaks: "tokens of a key that went out of force are still taken by nodes that have seen them",
    edits: [
      {
        file: "cluster/src/server/tokens/token-cache.ts",
        search: "    this.#good.clear();\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [remembering] },
  },
  {
    name: "token-scope-of-the-first-check",
    breaks: "only the first check of a call is held to its token: a group takes along any key",
    edits: [
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "    for (const [place, check] of call.checks.entries()) {",
        replacement: "    for (const [place, check] of call.checks.slice(0, 1).entries()) {",
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "token-holder-limits-its-own-policy",
    breaks: "who is held to a policy may send numbers of its own along with the policy's name",
    edits: [
      {
        file: "cluster/src/server/tokens/grant.ts",
        search: '  if (hasNumbers && !grant.ops.includes("inline-limits")) {',
        replacement: '  if (hasNumbers && policy === "" && !grant.ops.includes("inline-limits")) {',
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "token-for-one-call-in-a-batch",
    breaks: "a token for one call makes as many as a batch holds",
    edits: [
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "    authorizeRequestId(token, call.requestId,",
        replacement: "    if (onlyRequestId === null) authorizeRequestId(token, call.requestId,",
      },
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "  if (onlyRequestId !== null && request.calls.length > 1) {",
        replacement: "  if (onlyRequestId !== null && request.calls.length > 1_024) {",
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "token-call-of-many-counts-as-one",
    breaks: "a request counts once against its token's holder, however many keys it asks for",
    edits: [
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "      spend(context, callsOf(request));",
        replacement: "      spend(context, Math.min(1, callsOf(request)));",
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "token-holder-owes-nothing",
    breaks: "a holder that has used up what it may begins anew with its next call",
    edits: [
      {
        file: "cluster/src/server/tokens/token-usage.ts",
        search: "    if (owedMs >= 0) throw this.#tooManyCalls(owedMs);\n",
        replacement: "    if (owedMs >= burstMs) throw this.#tooManyCalls(owedMs);\n",
      },
    ],
    foundBy: { tests: [usage] },
  },
  {
    name: "token-streams-without-end",
    breaks: "one holder opens as many watches over HTTP as there are connections",
    edits: [
      {
        file: "cluster/src/server/tokens/token-life.ts",
        search: "  const leave = gate.open(token);",
        replacement: "  const leave = () => {};",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "token-in-sixteen-spellings",
    breaks:
      "one signature is good in every spelling of its bytes, and each takes a place among the tokens that are remembered",
    edits: [
      {
        file: "cluster/src/server/tokens/verify-token.ts",
        search: '  if (!isCanonical(token.slice(token.lastIndexOf(".") + 1)))',
        replacement: '  if (!isCanonical(token.slice(token.lastIndexOf(".") + 1)) && token === "")',
      },
    ],
    foundBy: { tests: [verifying] },
  },
  {
    name: "token-forgotten-on-streams",
    breaks: "frames of a Session stream are held to nothing, whatever token it was opened with",
    edits: [
      {
        file: "cluster/src/server/session-handler.ts",
        search: "      if (this.#options.token !== null) authorizeFrame(this.#options.token, frame);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [streaming] },
  },
];
