import type { Founder, HostPort } from "../server/server-options.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads `host:port`, with brackets around an IPv6 address.
 * @throws {UsageError} naming the flag and the value.
 */
export function parseHostPort(flag: string, text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port <= 65_535) return { host, port };
  if (host !== undefined) {
    throw new UsageError(`--${flag} is ${JSON.stringify(text)}: the port must be a whole number from 0 to 65535`);
  }
  throw new UsageError(`--${flag} is ${JSON.stringify(text)}: it must be host:port, such as 127.0.0.1:7400`);
}

/**
 * Reads a list of `host:port` with commas between.
 * @throws {UsageError} naming the flag and the part that cannot be read.
 */
export function parseHostPorts(flag: string, text: string): HostPort[] {
  return text.split(",").map((part) => parseHostPort(flag, part.trim()));
}

/**
 * Reads a cluster's founders: `1=host:7401,2=host:7401,3=host:7401`.
 * @throws {UsageError} naming the part that cannot be read.
 */
export function parseCluster(text: string): Founder[] {
  return text.split(",").map((part) => {
    const match = /^\s*(\d{1,15})=(.+?)\s*$/.exec(part);
    if (match === null) {
      const form = "it must be a list of id=host:port, such as 1=10.0.0.1:7401,2=10.0.0.2:7401,3=10.0.0.3:7401";
      throw new UsageError(`--cluster has ${JSON.stringify(part)}: ${form}`);
    }
    return { nodeId: Number(match[1]), ...parseHostPort("cluster", match[2] ?? "") };
  });
}
