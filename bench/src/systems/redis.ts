import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, freePorts } from "@quorumguard/testbed";
import { Redis } from "ioredis";
import { AbsentSystem, type System } from "../system.ts";

/** A token bucket as Redis users write it: level and time in a hash, refilled on read, one atomic script. */
const tokenBucket = `
local capacity, refillMs, now, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(state[1]), tonumber(state[2])
if tokens == nil then tokens, at = capacity, now end
tokens = math.min(capacity, tokens + math.max(0, now - at) / refillMs)
local allowed = tokens >= cost
if allowed then tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(capacity * refillMs))
return {allowed and 1 or 0, math.floor(tokens)}
`;

interface RedisWithBucket extends Redis {
  takeToken(key: string, capacity: number, refillMs: number, now: number, cost: number): Promise<[number, number]>;
}

/** How ioredis talks to the server. */
export interface RedisOptions {
  /** ioredis gathers the commands of a turn into one pipeline; it is not always the faster way. */
  readonly autoPipelining: boolean;
}

/** Redis with a Lua token bucket through ioredis, no persistence: the fastest that Redis gets. */
export async function startRedis(options: RedisOptions): Promise<System> {
  const program = findProgram("redis-server");
  if (program === null)
    throw new AbsentSystem("redis-server is not installed; remedy: apt-get install -y redis-server");
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-bench-redis-"));
  const server = spawn(
    program,
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const endServer = () => void server.kill("SIGKILL");
  process.once("exit", endServer);
  try {
    await Promise.race([
      readyLine(server.stdout),
      once(server, "error").then(([error]) => {
        throw error;
      }),
    ]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new AbsentSystem(`${program} could not be started`, { cause: error });
  }
  const redis = new Redis({
    port: port!,
    host: "127.0.0.1",
    enableAutoPipelining: options.autoPipelining,
  }) as RedisWithBucket;
  redis.defineCommand("takeToken", { numberOfKeys: 1, lua: tokenBucket });
  await redis.ping();
  return {
    name: options.autoPipelining ? "redis (auto-pipelined)" : "redis (plain)",
    allow: async (key) => (await redis.takeToken(key, 100, 600, Date.now(), 1))[0] === 1,
    flushes: async () => null,
    stop: async () => {
      redis.disconnect();
      process.off("exit", endServer);
      const exited = once(server, "exit");
      server.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves at Redis's own word; keeps reading afterwards, so that the server never blocks on a full pipe. */
function readyLine(output: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    output.on("data", (chunk) => {
      if (String(chunk).includes("Ready to accept connections")) resolve();
    });
    output.once("end", () => reject(new Error("redis-server ended before it was ready")));
  });
}
