import type { System } from "../system.ts";
import { startEtcd } from "./etcd.ts";
import { startGopherGuard } from "./gopher-guard.ts";
import { startGubernator } from "./gubernator.ts";
import { startQuorumGuard } from "./quorumguard.ts";
import { startRedis } from "./redis.ts";

/** Everything that can be started here, by the name that contenders call it. */
export const systems = {
  quorumguard: startQuorumGuard,
  "redis-none": () => startRedis("none"),
  "redis-everysec": () => startRedis("everysec"),
  "redis-always": () => startRedis("always"),
  etcd: startEtcd,
  gubernator: startGubernator,
  "gopher-guard": startGopherGuard,
} as const satisfies Readonly<Record<string, () => Promise<System>>>;

/** The name of a system. */
export type SystemName = keyof typeof systems;
