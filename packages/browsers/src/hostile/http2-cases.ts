import { type Arena, allowPath, callFor } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

type Headers = readonly (readonly [string, string])[];

/** A request for the visitor's own key, with what a case puts before and behind its headers. */
function http2(
  name: string,
  change: (headers: Headers, arena: Arena) => Headers,
  status: HostileCase["status"] = [400, 0],
): HostileCase {
  return {
    ...{ name: `HTTP/2: ${name}`, status },
    send: (arena) => {
      const headers: Headers = [
        [":method", "POST"],
        [":scheme", "https"],
        [":authority", `shop.test:${arena.scene.port}`],
        [":path", allowPath],
        ["content-type", "application/json"],
        ["authorization", `Bearer ${arena.token}`],
      ];
      return arena.sendHttp2(change(headers, arena), JSON.stringify(callFor(arena.mine)));
    },
  };
}

/** What becomes another request when a proxy turns HTTP/2 into HTTP/1.1. */
export const http2Cases: readonly HostileCase[] = [
  http2("a line break in a header's value", (headers) => [...headers, ["x-one", "1\r\ncontent-length: 0"]]),
  http2("a line break in a header's name", (headers) => [...headers, ["x-one: 1\r\nx-two", "2"]]),
  http2("a header in capitals", (headers) => [...headers, ["Transfer-Encoding", "chunked"]]),
  http2(
    "a line break in the path",
    (headers) =>
      headers.map(([name, value]) => (name === ":path" ? [name, `${value} HTTP/1.1\r\nx-one: 1`] : [name, value])),
    [400, 404, 0],
  ),
  http2("a length that the body does not have", (headers) => [...headers, ["content-length", "4"]]),
  http2("two paths", (headers) => [headers[3]!, ...headers]),
  http2("a pseudo-header that does not exist", (headers) => [[":admin", "1"], ...headers]),
  http2("no method", (headers) => headers.slice(1)),
];
