import { isIPv6 } from "node:net";
import type { Request } from "express";

/** API keys that were handed out, and to whom. In an application: a look-up in its own store. */
const accounts: ReadonlyMap<string, string> = new Map(
  ["amber", "birch", "cedar", "delta"].map((account) => [`demo-key-of-${account}`, account]),
);

/**
 * Whom a request counts for: the account of a key that we issued, else the address it came from. A key that nobody
 * issued is no identity: whoever could invent one per request would get a fresh limit with each.
 */
export function clientKey(request: Request): string {
  const account = accounts.get(request.get("x-api-key") ?? "");
  return account === undefined ? `ip:${network(request.ip ?? "unknown")}` : `account:${account}`;
}

/** An IPv6 customer owns at least a /64 and can call from any address in it, so the /64 is what counts. */
export function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = "", tail = ""] = address.split("%")[0]!.split("::");
  const [left, right] = [head, tail].map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(Math.max(0, 8 - left!.length - right!.length)).fill("0");
  const groups = [...left!, ...zeros, ...right!].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
