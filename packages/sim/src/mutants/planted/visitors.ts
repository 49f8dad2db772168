import type { Mutant } from "../mutant.ts";

const listening = "cluster/src/server/http-server.test.ts";
const scoping = "cluster/src/server/tokens/scoped-guard.test.ts";
const using = "cluster/src/server/tokens/overuse.test.ts";
const usage = "cluster/src/server/tokens/token-usage.test.ts";
const opening = "cluster/src/server/tokens/opened-keys.test.ts";
const watching = "cluster/src/server/grpc-watches.test.ts";

/** Bugs in what nodes take from visitors: how large a request may be, what it costs its holder, and how many keys it opens. */
export const visitorMutants: readonly Mutant[] = [
  {
    name: "visitor-parts-uncounted-over-grpc",
    breaks:
      "a request over gRPC is decoded whatever it consists of: a hundred kilobytes become a hundred thousand objects",
    edits: [
      {
        file: "cluster/src/server/grpc-server.ts",
        search: "    checkBinaryParts(input, bytes);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-parts-uncounted-over-http",
    breaks: "a request as JSON is parsed whatever it consists of",
    edits: [
      {
        file: "cluster/src/server/http-body.ts",
        search: "    checkJsonParts(input, bytes);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-parts-uncounted-in-an-envelope",
    breaks: "a request of gRPC-Web is decoded whatever it consists of",
    edits: [
      {
        file: "cluster/src/server/http-body.ts",
        search: "  else checkBinaryParts(input, message);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-sends-compressed",
    breaks: "a body is decompressed before anybody has counted what is in it",
    edits: [
      {
        file: "cluster/src/server/http-calls.ts",
        search: "    acceptCompression: [],\n",
        replacement: "    acceptCompression: [compressionGzip],\n",
      },
      {
        file: "cluster/src/server/http-calls.ts",
        search: "import { universalRequestFromNodeRequest,",
        replacement: "import { compressionGzip, universalRequestFromNodeRequest,",
      },
      {
        file: "cluster/src/server/http-calls.ts",
        search: '  if (encoding !== "identity") {',
        replacement: '  if (encoding === "") {',
      },
    ],
    foundBy: { tests: [listening] },
  },
  {
    name: "visitor-knocks-for-nothing",
    breaks: "a request costs its holder nothing until its body has come, however large it says that is",
    edits: [
      {
        file: "cluster/src/server/tokens/access-gate.ts",
        search: "const caller = spend({ identity: token.identity, token, paid: 0 }, callsOfBytes(bytes));",
        replacement: "const caller: Caller = { identity: token.identity, token, paid: bytes * 0 };",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-is-refused-for-nothing",
    breaks: "the checks of a request that its token does not allow cost its holder nothing, though they were decoded",
    edits: [
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "      spend(context, callsOf(request));\n      telling(refused, () => authorize(token, request));\n",
        replacement:
          "      telling(refused, () => authorize(token, request));\n      spend(context, callsOf(request));\n",
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "visitor-pays-for-its-knock-twice",
    breaks: "the last call that a holder has left is refused, since its own knock has used it up",
    edits: [
      {
        file: "cluster/src/server/tokens/token-usage.ts",
        search: "    const paidMs = paid * this.#callMs;",
        replacement: "    const paidMs = paid * 0;",
      },
    ],
    foundBy: { tests: [usage] },
  },
  {
    name: "visitor-pays-for-its-size-and-its-checks",
    breaks: "what a request has paid is forgotten on its way, and it pays for its checks on top of its size",
    edits: [
      {
        file: "cluster/src/server/tokens/access-gate.ts",
        search: "    return { ...caller, paid: calls };",
        replacement: "    return caller;",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-budget-of-servers",
    breaks: "tokens of a service's own servers are metered like those of visitors",
    edits: [
      {
        file: "cluster/src/server/tokens/access-gate.ts",
        search: "    if (token === null || !isForVisitors(token.grant) || calls <= paid) return caller;",
        replacement: "    if (token === null || calls <= paid) return caller;",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-size-counts-for-nothing",
    breaks: "a megabyte of text is one call",
    edits: [
      {
        file: "cluster/src/server/tokens/token-usage.ts",
        search: "  return Math.max(1, Math.ceil(",
        replacement: "  return Math.min(1, Math.ceil(",
      },
    ],
    foundBy: { tests: [usage] },
  },
  {
    name: "visitor-size-unpaid-in-chunks",
    breaks: "a body that does not tell its length is one call",
    edits: [
      {
        file: "cluster/src/server/http-body.ts",
        search: "    pay(length);\n",
        replacement: "",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-size-unpaid-before-its-end",
    breaks: "a body in chunks is paid once it is whole: one that is too large, or whose sender hangs up, is one call",
    edits: [
      {
        file: "cluster/src/server/http-body.ts",
        search: "    pay(length);\n",
        replacement: "",
      },
      {
        file: "cluster/src/server/http-body.ts",
        search: "  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);\n",
        replacement: "  pay(length);\n  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);\n",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-size-unpaid-over-grpc",
    breaks: "a message over gRPC is paid by what came of it: a kilobyte that was compressed, and is a megabyte",
    edits: [
      {
        file: "cluster/src/server/grpc-server.ts",
        search: "access?.spend(caller, callsOfBytes(call.request.length))",
        replacement: "access?.spend(caller, callsOfBytes(0))",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-holds-messages-over-grpc",
    breaks: "a message over gRPC is paid once it is whole, and the library keeps what has come until then",
    edits: [
      {
        file: "cluster/src/server/grpc-access.ts",
        search: "caller = gate.spend(caller, callsOfBytes(bytes));",
        replacement: "caller = gate.spend(caller, callsOfBytes(bytes * 0));",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-holds-health-over-grpc",
    breaks: "a question for health, which needs no token, may have a megabyte",
    edits: [
      {
        file: "cluster/src/server/grpc-arrival.ts",
        search: "  if (bytes > maxOpenBytes) throw",
        replacement: "  if (bytes < 0) throw",
      },
    ],
    foundBy: { tests: [using] },
  },
  {
    name: "visitor-keeps-an-empty-minute",
    breaks: "an account whose every request asks for too many keys is remembered, and nothing bounds how many such are",
    edits: [
      {
        file: "cluster/src/server/tokens/opened-keys.ts",
        search: "    return { startMs: nowMs, keys: new Set() };",
        replacement:
          "    const begun: Minute = { startMs: nowMs, keys: new Set() };\n    this.#minutes.set(account, begun);\n    return begun;",
      },
    ],
    foundBy: { tests: [opening] },
  },
  {
    name: "visitor-pays-again-for-what-filled-up",
    breaks: "a request that comes slowly pays for its first bytes again with each of the next",
    edits: [
      {
        file: "cluster/src/server/tokens/token-usage.ts",
        search: "wholeAtMs + (calls - paid) * this.#callMs",
        replacement: "wholeAtMs + calls * this.#callMs",
      },
    ],
    foundBy: { tests: [usage] },
  },
  {
    name: "stranger-connects-without-end",
    breaks: "connections to the gRPC port are bounded by nothing but the files that the process may open",
    edits: [
      {
        file: "cluster/src/server/grpc-server.ts",
        search: "listener.maxConnections = maxConnections;",
        replacement: "listener.maxConnections = 1_000 * maxConnections;",
      },
    ],
    foundBy: { tests: [watching] },
  },
  {
    name: "stranger-owns-a-name",
    breaks:
      "a page whose name leads to a node without tokens may call it, since its browser takes the node for its own site",
    edits: [
      {
        file: "cluster/src/server/http-server.ts",
        search: "    if (options.access === null && isStrangersPage(",
        replacement: "    if (options.access !== null && isStrangersPage(",
      },
    ],
    foundBy: { tests: [listening] },
  },
  {
    name: "visitor-opens-keys-by-reserving",
    breaks: "keys under which a batch reserves are not counted among those that their holder opens",
    edits: [
      {
        file: "cluster/src/server/tokens/scoped-guard.ts",
        search: "verb === Verb.take || verb === Verb.reserve ?",
        replacement: "verb === Verb.take ?",
      },
    ],
    foundBy: { tests: [scoping] },
  },
  {
    name: "visitor-forgets-its-own-keys",
    breaks: "where room for keys is short, who asks for more begins its minute anew with each of them",
    edits: [
      {
        file: "cluster/src/server/tokens/opened-keys.ts",
        search: "      if (oldest !== account) this.#forget(oldest);",
        replacement: "      this.#forget(oldest);",
      },
    ],
    foundBy: { tests: [opening] },
  },
  {
    name: "visitor-refused-keys-count",
    breaks: "the keys of a request that is refused are counted all the same, and use up the holder's minute",
    edits: [
      {
        file: "cluster/src/server/tokens/opened-keys.ts",
        search: "    if (minute.keys.size + opened.size > keysPerMinute) {\n",
        replacement:
          "    if (minute.keys.size + opened.size > keysPerMinute) {\n      for (const key of opened) minute.keys.add(key);\n",
      },
    ],
    foundBy: { tests: [opening] },
  },
];
