import { randomUUID } from "node:crypto";
import https from "node:https";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import type { PolicyName } from "../scene/policies.ts";
import type { Scene } from "../scene/scene.ts";
import { type Answer, answerOf, noAnswer } from "./answer.ts";
import { requestFrames, statusIn } from "./http2-frames.ts";

/** The address of a call. */
export const allowPath = "/quorumguard.v1.GuardService/Allow";

/** A request as a well-behaved client would send it, but for what a case changes. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  /** Beside content-type and authorization; null leaves a header out. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly token?: string | null;
  /** An object is sent as JSON. */
  readonly body?: unknown;
}

/** What a hostile visitor has: a token for its own key, the address of the proxy, and the name of somebody else's key. */
export interface Arena {
  readonly scene: Scene;
  /** The visitor's own key. */
  readonly mine: string;
  /** Somebody else's, whose limits must be untouched at the end. */
  readonly victim: string;
  /** Good for `mine` under `button`. */
  readonly token: string;
  /** Sends one request over HTTP/1.1. */
  send(sent?: Sent): Promise<Answer>;
  /** Writes bytes as they are, and reads until the proxy has nothing more to say. */
  sendBytes(bytes: string): Promise<Answer>;
  /** Sends one request over HTTP/2, its headers as they are: a client would not send what it knows to be wrong. */
  sendHttp2(headers: readonly (readonly [string, string])[], body: string): Promise<Answer>;
}

/** The body of one call for a key. */
export function callFor(key: string, policy: PolicyName = "button"): { readonly check: object } {
  return { check: { key, rule: { policy }, cost: 1 } };
}

/** A visitor and a victim that no other case has. */
export async function createArena(scene: Scene): Promise<Arena> {
  const id = randomUUID();
  const mine = `visitor:${id}`;
  const token = await scene.issuer.mint({ key: mine, policies: ["button"] });
  const target = { host: "127.0.0.1", port: scene.port, servername: "shop.test", rejectUnauthorized: false } as const;
  const authority = `shop.test:${scene.port}`;
  return {
    ...{ scene, mine, token },
    victim: `victim:${id}`,
    send: ({ method = "POST", path = allowPath, headers = {}, token: own = token, body = callFor(mine) } = {}) => {
      const all = {
        host: authority,
        "content-type": "application/json",
        "connect-protocol-version": "1",
        authorization: own === null ? null : `Bearer ${own}`,
        ...headers,
      };
      const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
      return new Promise((resolve, reject) => {
        const options = { ...target, agent: false, method, path, headers: kept as Record<string, string | string[]> };
        const request = https.request(options, async (response) => {
          try {
            resolve(answerOf(response.statusCode ?? 0, flat(response.headers), await text(response)));
          } catch (error) {
            reject(error);
          }
        });
        request.on("error", () => resolve(noAnswer));
        request.end(method === "GET" || method === "HEAD" ? undefined : bytesOf(body));
      });
    },
    sendBytes: async (bytes) => {
      const read = await exchange(Buffer.from(bytes, "latin1"), "http/1.1");
      return read.length === 0 ? noAnswer : firstAnswer(read.toString("latin1"));
    },
    sendHttp2: async (headers, body) => {
      const status = statusIn(await exchange(requestFrames(headers, body), "h2"));
      return answerOf(status ?? 0, {}, "");
    },
  };

  /** Writes, and reads until the connection ends or nothing more comes. */
  function exchange(bytes: Buffer, protocol: string): Promise<Buffer> {
    return new Promise((resolve) => {
      const read: Buffer[] = [];
      const socket = tls.connect({ ...target, ALPNProtocols: [protocol] }, () => socket.write(bytes));
      socket.on("data", (chunk) => {
        read.push(chunk);
        // What nobody asked for would come at once: an answer to a request within a request.
        if (protocol !== "h2" || statusIn(Buffer.concat(read)) !== null) {
          socket.setTimeout(quietMs, () => socket.destroy());
        }
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(Buffer.concat(read)));
    });
  }
}

/** After an answer, for so long nothing more is read. */
const quietMs = 300;

function bytesOf(body: unknown): string | Buffer {
  return typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
}

function flat(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** The first answer in what was read; a second one would be the answer to a smuggled request, and stands in its body. */
function firstAnswer(read: string): Answer {
  const [head = "", ...rest] = read.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((one) => {
      const [name = "", ...value] = one.split(":");
      return [name.toLowerCase(), value.join(":").trim()];
    }),
  );
  return answerOf(Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0), headers, rest.join("\r\n\r\n"));
}
