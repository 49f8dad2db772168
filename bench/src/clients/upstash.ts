import { Ratelimit } from "@upstash/ratelimit";
import type { Redis } from "ioredis";
import type { Client, ClientPlace } from "../client.ts";
import { connectRedis } from "./redis.ts";

type LimitReply = Awaited<ReturnType<Ratelimit["limit"]>>;
type UpstashRedis = ConstructorParameters<typeof Ratelimit>[0]["redis"];

/**
 * `@upstash/ratelimit` over a Redis of one's own, by a shim: the package asks an HTTP client for scripts, and its scripts begin with
 * a line that only Upstash's servers take. The shim calls ioredis and leaves that line out. All else is the package's default, its
 * memory of exhausted keys included; it counts by its sliding window.
 */
export async function openUpstash(place: ClientPlace): Promise<Client<LimitReply>> {
  const redis = await connectRedis(place);
  const { limit, windowMs } = place.rule;
  const limiter = new Ratelimit({
    redis: shim(redis),
    limiter: Ratelimit.slidingWindow(limit, `${windowMs} ms`),
    enableTelemetry: false,
  });
  return {
    decisionsPerCall: 1,
    call: (key) => limiter.limit(key),
    outcomeOf({ success, reason }) {
      if (reason === "timeout") return "degraded";
      return success ? "allowed" : "denied";
    },
    close: async () => redis.disconnect(),
  };
}

function shim(redis: Redis): UpstashRedis {
  /** By the hash that the package knows: the hash of the script without its first line. */
  const hashes = new Map<string, string>();
  const run = (hash: string, keys: readonly string[], args: readonly unknown[]) =>
    redis.evalsha(hash, keys.length, ...keys, ...args.map(String));
  let asked = "";
  const calls = {
    evalsha(hash: string, keys: readonly string[], args: readonly unknown[]) {
      const known = hashes.get(hash);
      if (known !== undefined) return run(known, keys, args);
      asked = hash;
      return Promise.reject(new Error("NOSCRIPT"));
    },
    // The package has one script, and asks for it by hash right before.
    async eval(script: string, keys: readonly string[], args: readonly unknown[]) {
      const loaded = (await redis.script("LOAD", script.replace(/^#!.*\n/, ""))) as string;
      hashes.set(asked, loaded);
      return run(loaded, keys, args);
    },
  };
  return calls as unknown as UpstashRedis;
}
