import type { IncomingMessage, ServerResponse } from "node:http";
import { isIPv4 } from "node:net";
import { cors } from "@connectrpc/connect";

/** How long a browser may remember a preflight, in seconds. Two hours: the longest that all of them honour. */
const preflightSeconds = 7_200;

/**
 * Answers cross-origin questions of browsers. Nothing is allowed unless listed; "*" allows every page, which is sound
 * only where the token, not the origin, decides.
 *
 * @returns whether the request is answered: it was a preflight.
 */
export function answerCors(request: IncomingMessage, response: ServerResponse, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  const preflight = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
  if (origin === undefined) return false;
  const allowed = isListed(origin, origins);
  if (allowed) {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Access-Control-Expose-Headers", cors.exposedHeaders.join(", "));
  }
  response.setHeader("Vary", "Origin");
  if (!preflight) return false;
  if (allowed) {
    response.setHeader("Access-Control-Allow-Methods", cors.allowedMethods.join(", "));
    response.setHeader("Access-Control-Allow-Headers", [...cors.allowedHeaders, "Authorization"].join(", "));
    response.setHeader("Access-Control-Max-Age", preflightSeconds);
  }
  response.writeHead(allowed ? 204 : 403).end();
  return true;
}

/**
 * Whether a request comes from a page that nobody has listed and whose host is a name: whoever owns that can have it lead here, so
 * that to the browser this node is the page's own origin and there is nothing to ask. Names of this machine and addresses lead nowhere else.
 */
export function isStrangersPage({ headers: { origin } }: IncomingMessage, origins: readonly string[]): boolean {
  if (origin === undefined || isListed(origin, origins)) return false;
  if (!URL.canParse(origin)) return true;
  const { hostname } = new URL(origin);
  return !(hostname === "localhost" || /\.localhost$|^\[/.test(hostname) || isIPv4(hostname));
}

function isListed(origin: string, origins: readonly string[]): boolean {
  return origins.includes("*") || origins.includes(origin);
}
