import { type Arena, allowPath, callFor } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

/** The lines of a request for the visitor's own key, without those that say where its body ends. */
const lines = ({ scene, token }: Arena) => [
  `POST ${allowPath} HTTP/1.1`,
  `Host: shop.test:${scene.port}`,
  "Content-Type: application/json",
  `Authorization: Bearer ${token}`,
];

/** A whole request for somebody else's key, by a token that would let it: hidden in the body of another one. */
const hidden = async (arena: Arena): Promise<string> => {
  const token = await arena.scene.issuer.mint({ key: arena.victim, policies: ["button"] });
  const body = JSON.stringify(callFor(arena.victim));
  return [...lines({ ...arena, token }), `Content-Length: ${body.length}`, "", body].join("\r\n");
};

type Framing = (parts: { readonly own: string; readonly hidden: string }) => {
  readonly headers: readonly string[];
  readonly body: string;
};

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/** A request whose end two readers could see at two places. */
function smuggled(name: string, framing: Framing, status: HostileCase["status"] = 400): HostileCase {
  return {
    ...{ name, status },
    async send(arena) {
      const { headers, body } = framing({ own: JSON.stringify(callFor(arena.mine)), hidden: await hidden(arena) });
      return arena.sendBytes([...lines(arena), ...headers, "", body].join("\r\n"));
    },
  };
}

/** A request with one line that is not as it should be. */
function misspelt(name: string, line: string, status: HostileCase["status"] = 400): HostileCase {
  return smuggled(name, ({ own }) => ({ headers: [line, `Content-Length: ${own.length}`], body: own }), status);
}

/** Requests within requests, and lines that one side may read otherwise than the other. */
export const smugglingCases: readonly HostileCase[] = [
  smuggled("a length and chunks: the hidden request after the last chunk", ({ own, hidden: more }) => ({
    headers: [`Content-Length: ${chunked(own).length + more.length}`, "Transfer-Encoding: chunked"],
    body: chunked(own) + more,
  })),
  smuggled("chunks and a length: the hidden request after the length", ({ own, hidden: more }) => ({
    headers: ["Transfer-Encoding: chunked", `Content-Length: ${own.length}`],
    body: own + more,
  })),
  smuggled("two lengths", ({ own, hidden: more }) => ({
    headers: [`Content-Length: ${own.length}`, `Content-Length: ${own.length + more.length}`],
    body: own + more,
  })),
  smuggled("two lengths in one line", ({ own, hidden: more }) => ({
    headers: [`Content-Length: ${own.length}, ${own.length + more.length}`],
    body: own + more,
  })),
  smuggled("a length with a sign", ({ own }) => ({ headers: [`Content-Length: +${own.length}`], body: own })),
  smuggled("a length below zero", ({ own }) => ({ headers: ["Content-Length: -1"], body: own })),
  smuggled("a misspelt chunked", ({ own }) => ({ headers: ["Transfer-Encoding: xchunked"], body: chunked(own) }), 501),
  smuggled(
    "chunked as the second of two encodings",
    ({ own }) => ({ headers: ["Transfer-Encoding: gzip, chunked"], body: chunked(own) }),
    501,
  ),
  smuggled("chunked twice", ({ own }) => ({
    headers: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    body: chunked(own),
  })),
  smuggled("a chunk whose size is no number", ({ own }) => ({
    headers: ["Transfer-Encoding: chunked"],
    body: `zz\r\n${own}\r\n0\r\n\r\n`,
  })),
  smuggled("a chunk of more bytes than there are numbers", ({ own }) => ({
    headers: ["Transfer-Encoding: chunked"],
    body: `fffffffffffffffff\r\n${own}\r\n0\r\n\r\n`,
  })),
  misspelt("a header folded over two lines", "X-Folded: one\r\n two"),
  misspelt("a space before a header's colon", "Transfer-Encoding : chunked"),
  misspelt("a NUL in a header", "X-Nul: a\u0000b"),
  {
    name: "a request of HTTP/0.9",
    send: ({ sendBytes }) => sendBytes(`POST ${allowPath}\r\n\r\n`),
    status: [400, 405, 0],
  },
  {
    name: "the beginning of HTTP/2 on a connection for HTTP/1.1",
    send: ({ sendBytes }) => sendBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    status: [400, 405, 505, 0],
  },
  {
    name: "two hosts",
    send: (arena) =>
      arena.sendBytes([...lines(arena), "Host: stranger.test", "Content-Length: 2", "", "{}"].join("\r\n")),
    status: 400,
  },
];
