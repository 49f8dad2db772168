import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TokenIssuer } from "@quorumguard/sdk-node/tokens";
import type { Duration } from "@quorumguard/sdk-web";
import { bundlePages } from "./bundle-pages.ts";
import { policies } from "./policies.ts";

/** What a browser told of something that the page's Content-Security-Policy forbade. */
export type Violation = Readonly<Record<string, unknown>>;

/** A server of pages as an application has one: strict, and the only one that mints. */
export interface Site {
  /** Plain, for nginx. */
  readonly url: string;
  /** What browsers reported, in the order in which it came. */
  readonly violations: readonly Violation[];
  forgetViolations(): void;
  /** Tokens that were fetched for a key. */
  mintedFor(key: string): number;
  /** Resolves when as many tokens were fetched for a key. */
  waitUntilMinted(key: string, count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Nothing inline, nothing from elsewhere: scripts, workers and requests to the page's own origin, and the policy is reported on. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "report-uri /violations",
].join("; ");

const page = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>QuorumGuard</title><main id="main"></main><script type="module" src="${script}"></script></html>`;

/** Pages of origins that are not the proxy's own have to be allowed to try, or it would be the page that refuses and not the proxy. */
const loosePolicy = contentSecurityPolicy.replace("connect-src 'self'", "connect-src https:");

/** Starts it on a port of its own. */
export async function startSite({ issuer }: { readonly issuer: TokenIssuer }): Promise<Site> {
  const scripts = await bundlePages();
  const violations: Violation[] = [];
  const minted = new Map<string, number>();
  const mints = new EventEmitter();

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://site");
    const script = scripts.get(url.pathname);
    if (script !== undefined) return send(response, 200, "text/javascript", script);
    switch (url.pathname) {
      case "/page":
        response.setHeader("content-security-policy", contentSecurityPolicy);
        return send(response, 200, "text/html", page("/page.js"));
      case "/react":
        response.setHeader("content-security-policy", contentSecurityPolicy);
        return send(response, 200, "text/html", page("/react.js"));
      case "/elsewhere":
        response.setHeader("content-security-policy", loosePolicy);
        return send(response, 200, "text/html", page("/page.js"));
      case "/violations":
        violations.push(JSON.parse(await bodyOf(request)));
        return send(response, 204, "text/plain", "");
      case "/token": {
        // A real site asks its session who the visitor is; a case says it, to be somebody of its own.
        const key = url.searchParams.get("key") ?? "";
        minted.set(key, (minted.get(key) ?? 0) + 1);
        mints.emit("minted");
        const expiresIn = (url.searchParams.get("expiresIn") ?? "5m") as Duration;
        const named = Object.keys(policies).filter((name) => name !== "foreign");
        response.setHeader("cache-control", "no-store");
        return send(response, 200, "text/plain", await issuer.mint({ key, policies: named, expiresIn }));
      }
      default:
        return send(response, 404, "text/plain", "no such page");
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => send(response, 500, "text/plain", String(error)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    violations,
    forgetViolations: () => violations.splice(0),
    mintedFor: (key) => minted.get(key) ?? 0,
    async waitUntilMinted(key, count) {
      while ((minted.get(key) ?? 0) < count) await once(mints, "minted", { signal: AbortSignal.timeout(60_000) });
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8`, "x-content-type-options": "nosniff" });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
