import { Redis } from "ioredis";
import { startRedis } from "../systems/redis.ts";

/** What Redis keeps of one key, as limiters on Redis write it: one admission each, and an end. */
const writes = {
  // One member per admission, as a sorted set of times.
  "sliding-window-log": `redis.call('ZADD', key, now, now .. '-' .. i) redis.call('PEXPIRE', key, 600000)`,
  // A counter of the window that is under way; the one before it has no admissions yet.
  "sliding-window-counter": `redis.call('INCR', key .. ':2938333') redis.call('PEXPIRE', key .. ':2938333', 1200000)`,
  "fixed-window": `redis.call('INCR', key) redis.call('PEXPIRE', key, 600000)`,
  "token-bucket": `redis.call('HSET', key, 'tokens', 9, 'at', now) redis.call('PEXPIRE', key, 600000)`,
  // One member per holder, by when it ends.
  concurrency: `redis.call('ZADD', key, now + 600000, 'holder-' .. i) redis.call('PEXPIRE', key, 600000)`,
} as const;

/** The name of an algorithm, as users write it. */
export type AlgorithmName = keyof typeof writes;

/** Keys as the limiter's are: `user:` and 15 digits. */
const fill = (write: string) => `
local now = 1763000000000
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  local key = string.format('user:%015d', i)
  ${write}
end`;

const KEYS_PER_SCRIPT = 10_000;
const SAMPLES = 1_000;

/** What Redis says of its memory, per key. */
export interface RedisMemory {
  /** What `used_memory` grew by: all that it allocated, its tables included. */
  readonly usedBytesPerKey: number;
  /** MEMORY USAGE of single keys, on average: without a part in the tables that grow in steps. */
  readonly bytesPerKey: number;
  /** What its process grew by. */
  readonly residentBytesPerKey: number;
  /** Version and settings of the server. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** A real server, filled with as many keys. @throws {AbsentSystem} when there is none. */
export async function measureRedisMemory(algorithm: AlgorithmName, keys: number): Promise<RedisMemory> {
  const server = await startRedis("none");
  try {
    const [endpoint] = await server.endpoints();
    const redis = new Redis(`redis://${endpoint}`);
    try {
      const before = await memoryOf(redis);
      const script = fill(writes[algorithm]);
      for (let from = 0; from < keys; from += KEYS_PER_SCRIPT)
        await redis.eval(script, 0, from, Math.min(keys, from + KEYS_PER_SCRIPT));
      if ((await redis.dbsize()) !== keys) throw new Error(`redis has ${await redis.dbsize()} of ${keys} keys`);
      const after = await memoryOf(redis);
      const sizes = await Promise.all(
        Array.from({ length: SAMPLES }, async () => redis.memory("USAGE", (await redis.randomkey())!, "SAMPLES", 0)),
      );
      const sum = sizes.reduce<number>((total, size) => total + (size ?? 0), 0);
      return {
        usedBytesPerKey: rounded((after.used - before.used) / keys),
        bytesPerKey: rounded(sum / SAMPLES),
        residentBytesPerKey: rounded((after.resident - before.resident) / keys),
        configuration: server.configuration,
      };
    } finally {
      redis.disconnect();
    }
  } finally {
    await server.stop();
  }
}

const rounded = (bytes: number) => Math.round(bytes * 10) / 10;

async function memoryOf(redis: Redis): Promise<{ readonly used: number; readonly resident: number }> {
  const info = await redis.info("memory");
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  return { used: field("used_memory"), resident: field("used_memory_rss") };
}
