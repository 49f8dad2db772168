import http2 from "node:http2";
import type { Fetch } from "@quorumguard/sdk-web/edge";

/** `fetch` over HTTP/2, as browsers have it and Node has not: one connection, made anew when it has ended. */
export class Http2Fetch implements AsyncDisposable {
  readonly #ca: Uint8Array;
  #session: http2.ClientHttp2Session | null = null;

  constructor(ca: Uint8Array) {
    this.#ca = ca;
  }

  readonly fetch: Fetch = (url, init) => {
    const { origin, pathname } = new URL(url);
    const { method = "GET", headers, body, signal } = init;
    return new Promise((resolve, reject) => {
      const stream = this.#connected(origin).request({
        ...(headers as Record<string, string>),
        ":method": method,
        ":path": pathname,
      });
      const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
      signal?.addEventListener("abort", abort, { once: true });
      let status = 0;
      let type = "";
      const parts: Uint8Array[] = [];
      stream.on("response", (received) => {
        status = received[":status"] ?? 0;
        type = received["content-type"] ?? "";
      });
      stream.on("data", (part) => parts.push(part));
      stream.on("error", reject);
      stream.on("close", () => {
        signal?.removeEventListener("abort", abort);
        if (status > 0 && stream.readableEnded)
          resolve(new Response(Buffer.concat(parts), { status, headers: { "content-type": type } }));
        else reject(new TypeError(`the stream was reset with code ${stream.rstCode}`));
      });
      stream.end(body as Uint8Array);
    });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    if (session !== null) await new Promise<void>((resolve) => session.close(resolve));
  }

  #connected(origin: string): http2.ClientHttp2Session {
    if (this.#session !== null && !this.#session.closed && !this.#session.destroyed) return this.#session;
    this.#session = http2.connect(origin, { ca: Buffer.from(this.#ca) });
    // Each of its streams is told as well.
    this.#session.on("error", () => {});
    return this.#session;
  }
}
