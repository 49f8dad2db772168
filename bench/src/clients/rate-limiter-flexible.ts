import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Client, ClientPlace } from "../client.ts";
import { connectRedis } from "./redis.ts";

/**
 * As its documentation recommends: over ioredis without an offline queue, and keys that are over their limit blocked in the process's
 * memory until their window ends. It counts in fixed windows.
 */
export async function openRateLimiterFlexible(place: ClientPlace): Promise<Client> {
  // The queue is needed until the connection is there: it is closed by the command that waits for it.
  const redis = await connectRedis(place);
  redis.options.enableOfflineQueue = false;
  const { limit, windowMs } = place.rule;
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    points: limit,
    duration: windowMs / 1_000,
    inMemoryBlockOnConsumed: limit + 1,
  });
  return {
    decisionsPerCall: 1,
    call: (key) => limiter.consume(key),
    outcomeOf: () => "allowed",
    outcomeOfRejection: (denial) => (denial instanceof RateLimiterRes ? "denied" : null),
    close: async () => redis.disconnect(),
  };
}
