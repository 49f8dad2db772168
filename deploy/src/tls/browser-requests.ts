import https from "node:https";

/** What a browser would send, and more than it lets a page choose: fetch in Node names no origin that it is given. */
export interface BrowserRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer with its headers as they came, since of one that came twice a browser takes neither. */
export interface BrowserAnswer {
  readonly status: number;
  readonly body: string;
  /** All values of a header. */
  all(name: string): readonly string[];
}

/** Makes such requests of one server, each on a connection of its own. */
export function browserOf(url: string, ca: Uint8Array): (asked?: BrowserRequest) => Promise<BrowserAnswer> {
  const { hostname, port } = new URL(url);
  return ({ method = "POST", path = allowPath, headers = { "content-type": "application/json" }, body = "" } = {}) =>
    new Promise((resolve, reject) => {
      const options = { hostname, port, method, path, headers, ca: Buffer.from(ca), agent: false };
      const request = https.request(options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part) => (text += part));
        response.on("error", reject);
        response.on("end", () => {
          const all = (name: string) => response.headersDistinct[name] ?? [];
          resolve({ status: response.statusCode ?? 0, body: text, all });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
}

/** The call that pages make most. */
export const allowPath = "/quorumguard.v1.GuardService/Allow";
