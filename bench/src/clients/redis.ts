import { Redis, type RedisOptions } from "ioredis";
import type { Client, ClientPlace } from "../client.ts";

/**
 * A token bucket as Redis users write it: level and time in a hash, refilled on read, one atomic script. It writes nothing of who is
 * denied, keeps a key until it is full again, and lets a caller whose clock is behind refill nothing twice.
 */
const tokenBucket = `
local capacity, refillMs, now, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(state[1]), tonumber(state[2])
if tokens == nil then tokens, at = capacity, now end
if now > at then tokens, at = math.min(capacity, tokens + (now - at) / refillMs), now end
if tokens < cost then return {0, math.floor(tokens)} end
tokens = tokens - cost
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', at)
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) * refillMs))
return {1, math.floor(tokens)}
`;

/** Whether it is allowed, 1 or 0, and the tokens that are left. */
type BucketReply = readonly [number, number];

interface RedisWithBucket extends Redis {
  takeToken(key: string, capacity: number, refillMs: number, now: number, cost: number): Promise<BucketReply>;
}

/** A connection of ioredis, once it is there. */
export async function connectRedis(
  { endpoints }: ClientPlace,
  options: Pick<RedisOptions, "enableAutoPipelining"> = {},
): Promise<Redis> {
  const [host, port] = endpoints[0]!.split(":") as [string, string];
  const redis = new Redis({ host, port: Number(port), ...options });
  await redis.ping();
  return redis;
}

/** The Lua token bucket. ioredis may gather the commands of a turn into one pipeline, which is not always the faster way. */
export async function openRedis(
  place: ClientPlace,
  options: { readonly autoPipelining: boolean },
): Promise<Client<BucketReply>> {
  const redis = (await connectRedis(place, { enableAutoPipelining: options.autoPipelining })) as RedisWithBucket;
  redis.defineCommand("takeToken", { numberOfKeys: 1, lua: tokenBucket });
  const { limit, windowMs } = place.rule;
  return {
    decisionsPerCall: 1,
    call: (key) => redis.takeToken(key, limit, windowMs / limit, Date.now(), 1),
    outcomeOf: ([isAllowed]) => (isAllowed === 1 ? "allowed" : "denied"),
    close: async () => redis.disconnect(),
  };
}
