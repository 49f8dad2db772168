import { describe } from "./describe.ts";
import { GuardError } from "./guard-error.ts";

/** What a transport takes for an endpoint, beside `host:port` with `http://` or `https://` in front of it or not. */
export interface EndpointForm {
  /** Where they were written, for messages: `endpoints`, or the name of a variable. */
  readonly field: string;
  /** Whether a path may follow, as behind a proxy. */
  readonly paths: boolean;
  /** The port of a node that nobody gave another, for what a message proposes. */
  readonly port: number;
}

/**
 * Checks how endpoints are written, a list or one text with commas, before anybody connects: a name server's "not found" tells
 * nobody that a slash is missing. What is neither text nor list is left to the check of the options. A password is never shown.
 *
 * @throws {GuardError} invalid_argument, naming the endpoint and what to write instead.
 */
export function checkEndpoints(endpoints: unknown, form: EndpointForm): void {
  if (typeof endpoints === "string" && endpoints.trim() === "") throw noEndpoints(form.field, "it is empty", form.port);
  if (Array.isArray(endpoints) && endpoints.length === 0)
    throw noEndpoints(form.field, "it is an empty list", form.port);
  const list = typeof endpoints === "string" ? endpoints.split(",") : endpoints;
  if (!Array.isArray(list)) return;
  for (const [at, endpoint] of list.entries()) {
    if (typeof endpoint !== "string") continue;
    const problem = problemOf(endpoint.trim(), form);
    if (problem === null) continue;
    const field = `${form.field}[${at}]`;
    // What stands before an @ may be a password, however the rest is written.
    const details = endpoint.includes("@") ? { field } : { field, value: endpoint };
    const shown = endpoint.includes("@") || endpoint.trim() === "" ? "it" : describe(endpoint);
    throw new GuardError("invalid_argument", `${field}: ${shown} ${problem}`, { details });
  }
}

/** Endpoints that name nobody. */
export function noEndpoints(field: string, what = "it is an empty list", port = 7_400): GuardError {
  const message = `${field}: ${what}; leave it out (undefined) for the default, or write "host:${port}"`;
  return new GuardError("invalid_argument", message, { details: { field, value: "" } });
}

/** Where limiters commonly keep their counts, which is another program at another port. */
const OTHERS_SCHEMES = /^(rediss?|valkeys?|memcached?|postgres(ql)?|mysql|mongodb(\+srv)?|amqps?)$/i;

/** What is wrong with an endpoint, and what to write, after "it"; null: nothing. */
function problemOf(endpoint: string, form: EndpointForm): string | null {
  const { port, paths } = form;
  if (endpoint === "") return `is empty; write "host:${port}", or take its comma away`;
  const [, scheme = "", slashes = "", rest = ""] = /^(?:([a-z][a-z0-9+.-]*):(\/+))?(.*)$/is.exec(endpoint)!;
  const [, userinfo, authority = "", path = ""] = /^(.*@)?([^/?#]*)(.*)$/s.exec(rest)!;
  const isSecure = /^(https|grpcs|rediss|wss)$/i.test(scheme);
  const right = `${isSecure ? "https://" : ""}${authority}${paths ? path : ""}`;
  if (OTHERS_SCHEMES.test(scheme)) {
    const host = /^(\[[^\]]*\]|[^:]*)/.exec(authority)![0] || "host";
    return `is the address of something else ("${scheme}:"), and a guard speaks to QuorumGuard's own nodes; write one's: "${paths ? "http://" : ""}${host}:${port}"`;
  }
  if (userinfo !== undefined) {
    return `holds a user or a password before its "@"; write "${right}", and the secret as token: createGuard({ token })`;
  }
  if (rest.includes(",")) return `holds several; write each by itself: ["a:${port}", "b:${port}"]`;
  if (/[;|]/.test(rest)) return `holds several; write a comma between them, or a list: ["a:${port}", "b:${port}"]`;
  if (scheme !== "" && !/^https?$/i.test(scheme)) {
    const secure = isSecure ? "" : `, or "https://${authority}" for TLS`;
    return `begins with "${scheme}:", which is not spoken here; write "${right}"${secure}`;
  }
  if (scheme !== "" && slashes !== "//")
    return `needs two slashes after "${scheme}:"; write "${scheme}://${authority}${path}"`;
  if (/[?#]/.test(path) || (!paths && !/^\/*$/.test(path))) {
    return `has ${paths ? "a query or a fragment" : "a path, and gRPC has none"}; write "${scheme === "" ? "" : `${scheme}://`}${authority}"`;
  }
  return authorityProblem(authority, port);
}

function authorityProblem(authority: string, example: number): string | null {
  const colons = authority.split(":").length - 1;
  if (!authority.startsWith("[") && colons > 1) {
    const [, host = authority, port = example] = /^(.*[^:]):(\d{4,5})$/.exec(authority) ?? [];
    return `is an IPv6 address without brackets; write "[${host}]:${port}"`;
  }
  const [, host = "", port] = /^(\[[0-9a-f:.]*\]|[^:[\]]*)(?::(.*))?$/is.exec(authority) ?? [];
  if (host === "" || host === "[]") return `has no host; write "host:${port ?? example}"`;
  if (/[\s"'<>\\^`{}]/.test(host)) return `is no address; write "host:${port ?? example}"`;
  if (port === undefined) return null;
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) return null;
  return `has the port "${port}"; it must be a whole number from 1 to 65535: write "${host}:${example}"`;
}
