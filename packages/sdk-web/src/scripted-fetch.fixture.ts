import { ScriptedCluster } from "../../sdk-core/src/testing/scripted-cluster.ts";
import type { UnaryCall } from "../../sdk-core/src/transport.ts";
import type { Fetch } from "./connect-transport.ts";

/** A scripted cluster behind `fetch`. */
export class ScriptedFetch {
  readonly cluster = new ScriptedCluster(1);
  /** URLs of requests with calls. */
  readonly urls: string[] = [];
  /** Takes over a request; null: it is left to the cluster. */
  intercept: (url: string, init: RequestInit) => Promise<Response> | null = () => null;

  readonly fetch: Fetch = async (url, init) => {
    const [endpoint, method] = url.split("/quorumguard.v1.") as [string, UnaryCall["method"]];
    if (method === "GuardService/AllowBatch") this.urls.push(url);
    const taken = this.intercept(url, init);
    if (taken !== null) return taken;
    const request = new Uint8Array(init.body as Uint8Array<ArrayBuffer>);
    const bytes = await this.cluster.unary({ endpoint, method, request, timeoutMs: 1_000 });
    return new Response(bytes as BodyInit, { headers: { "content-type": "application/proto" } });
  };

  /** Keys of the calls of each request. */
  get batches(): readonly (readonly string[])[] {
    return this.cluster.batches.map(({ calls }) => calls.map(({ checks }) => checks[0]!.key));
  }
}

/** A denial that the cluster calls firm for as long as it lasts. */
export function denied(retryAfterMs: number): ReturnType<ScriptedCluster["decides"]> {
  const ms = BigInt(retryAfterMs);
  return { outcome: 2, remaining: 0, resetAfterMs: ms, retryAfterMs: ms, firmForMs: ms };
}
