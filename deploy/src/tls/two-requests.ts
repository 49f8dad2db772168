const path = "/quorumguard.v1.GuardService";

/** The key that every smuggled call would charge. */
export const smuggledKey = "smuggled";

const charge = `{"check":{"key":"${smuggledKey}","rule":{"limit":3,"windowUs":"3600000000"}}}`;
const within = post("Allow", `Content-Length: ${charge.length}\r\nConnection: close`, charge);

/** A whole request, its body sent as it is given. */
function post(method: string, headers: string, body: string): string {
  return `POST ${path}/${method} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`;
}

const length = `Content-Length: ${within.length + 5}`;
const chunks = (headers: string, body = `0\r\n\r\n${within}`) => post("Peek", headers, body);
const whole = (headers: string) => post("Peek", headers, within);
const empty = (headers: string) => post("Peek", `${headers}\r\nContent-Length: 2\r\nConnection: close`, "{}");
const chunked = (text: string) => chunks("Transfer-Encoding: chunked\r\nConnection: close", text);

/** Chunks by the letter of RFC 9112, as a node reads them: then what follows is another request indeed. nginx reads none. */
export const chunkedForNodes: Readonly<Record<string, string>> = {
  "two encodings, in one line": chunks("Transfer-Encoding: identity, chunked"),
};

/**
 * Requests of which two readers may take different ends, by name: what follows the end that one of them sees is a call that
 * charges {@link smuggledKey}.
 */
export const twoRequests: Readonly<Record<string, string>> = {
  "length and chunks": chunks(`${length}\r\nTransfer-Encoding: chunked`),
  "chunks and length": chunks(`Transfer-Encoding: chunked\r\nContent-Length: 3`),
  "two encodings, in two lines": chunks("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
  ...chunkedForNodes,
  "an encoding that is none": chunks("Transfer-Encoding: xchunked"),
  "a blank before the colon": chunks(`Transfer-Encoding : chunked\r\n${length}`),
  "a tab before the value": chunks(`Transfer-Encoding:\tchunked\r\n${length}`),
  "a vertical tab before the value": chunks(`Transfer-Encoding: \x0bchunked\r\n${length}`),
  "a folded encoding": chunks(`Transfer-Encoding:\r\n chunked\r\n${length}`),
  "a folded header": whole(`X-A: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: ${within.length}`),
  "two lengths": whole(`Content-Length: 0\r\nContent-Length: ${within.length}`),
  "a list of lengths": whole(`Content-Length: 0, ${within.length}`),
  "a length with a sign": whole(`Content-Length: +${within.length}`),
  "a negative length": whole("Content-Length: -1"),
  "a length in hexadecimal": whole("Content-Length: 0x10"),
  "a line that ends with LF alone": chunks(`X-A: b\nTransfer-Encoding: chunked\r\n${length}`),
  "a line that ends with CR alone": chunks(`X-A: b\rTransfer-Encoding: chunked\r\n${length}`),
  "NUL in a value": empty("X-A: b\0c"),
  "NUL in a name": empty("X\0A: b"),
  "two hosts": empty("Host: other"),
  "a chunk of negative size": chunked(`-1\r\n${within}`),
  "a chunk whose size overflows": chunked(`ffffffffffffffff2\r\n{}\r\n0\r\n\r\n${within}`),
  "a chunk whose size has 0x in front": chunked(`0x2\r\n{}\r\n0\r\n\r\n${within}`),
  "a chunk that is longer than it says": chunked(`2\r\n{}POST\r\n0\r\n\r\n${within}`),
  "no host": empty("").replace("Host: localhost\r\n", ""),
  "chunks in HTTP/1.0": chunks("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"),
  "HTTP/2.0 in text": empty("").replace("HTTP/1.1", "HTTP/2.0"),
  "a blank in the path": empty("").replace("/Peek", "/Peek /Allow"),
};
