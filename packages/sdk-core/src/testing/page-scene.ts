import { createRequestGuard } from "../create-guard-core.ts";
import type { Device } from "../platform-options.ts";
import type { Guard } from "../surface/guard.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import type { UnaryCall } from "../transport.ts";
import { DenialMemory } from "../without-network/denial-memory.ts";
import { ScriptedCluster } from "./scripted-cluster.ts";
import { VirtualRuntime } from "./virtual-runtime.ts";

/** A denial that the cluster calls firm for as long as it lasts. */
export function denied(retryAfterMs: number): ReturnType<ScriptedCluster["decides"]> {
  const ms = BigInt(retryAfterMs);
  return { outcome: 2, remaining: 0, resetAfterMs: ms, retryAfterMs: ms, firmForMs: ms };
}

/** A guard as a page has it, over a scripted cluster, on a device whose network the test holds. */
export class PageScene {
  readonly runtime = new VirtualRuntime();
  readonly cluster = new ScriptedCluster(1);
  readonly guard: Guard;
  offline = false;
  cutOff = false;
  /** The network is back, or the device woke. */
  returned: () => void = () => {};
  /** Takes over a request; null: it is left to the cluster. */
  intercept: (call: UnaryCall) => Promise<Uint8Array> | null = () => null;

  constructor(options: Partial<GuardOptions> = {}) {
    const { cluster, runtime } = this;
    cluster.onUnary = (call) => this.intercept(call) ?? Promise.resolve(cluster.defaultUnary(call));
    const transport = { unary: (call: UnaryCall) => cluster.unary(call), close: () => cluster.close() };
    const device: Device = {
      isOffline: () => this.offline,
      isCutOff: () => this.cutOff,
      onReturn: (listener) => {
        this.returned = listener;
        return () => {
          this.returned = () => {};
        };
      },
    };
    this.guard = createRequestGuard({ onUnavailable: "throw", ...options }, transport, runtime, {
      defaultEndpoints: "a:1",
      client: "test",
      endpointOf: (member) => member.httpUrl,
      maxCallsPerRequest: 64,
      createDenials: (denials) => new DenialMemory({ ...denials, maxAgeMs: 5_000 }),
      device,
    });
  }

  /** The end of a call, once nothing more is due: what it resolved with, or its error. */
  async ended<T>(promise: Promise<T>): Promise<T | Error> {
    const end = promise.catch((error: unknown) => error as Error);
    await this.runtime.settle();
    return end;
  }

  /** Keys of the calls of each request. */
  get batches(): readonly (readonly string[])[] {
    return this.cluster.batches.map(({ calls }) => calls.map(({ checks }) => checks[0]!.key));
  }
}
