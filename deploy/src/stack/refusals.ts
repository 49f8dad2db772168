import { callGrpc } from "./raw-grpc.ts";
import type { Refusal } from "./report.ts";

/** Paths of the HTTP port that are the operator's, or nobody's. */
const httpPaths = [
  ["GET", "/metrics"],
  ["GET", "/"],
  ["POST", "/quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.ClusterService/TakeSnapshot"],
  ["POST", "/quorumguard.v1.ClusterService/GetStatus"],
  ["POST", "/quorumguard.v1.ClusterService/WatchTopology"],
  // Ways around a pattern: a second slash, an escaped letter, a step up, a suffix.
  ["POST", "//quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.Cluster%53ervice/TransferLeadership"],
  ["POST", "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.GuardService/Allow/../../quorumguard.v1.ClusterService/TransferLeadership"],
  ["GET", "/healthz/../metrics"],
] as const;

const grpcPaths = [
  "/quorumguard.v1.ClusterService/TransferLeadership",
  "/quorumguard.v1.ClusterService/TakeSnapshot",
  "/quorumguard.v1.ClusterService/GetStatus",
  "/quorumguard.v1.ClusterService/GetTopology",
  "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
] as const;

/** Asks nginx for what it must not let through, and for a body above the bound. */
export async function tryRefused(grpcEndpoint: string, httpUrl: string): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  for (const [method, path] of httpPaths) {
    refusals.push({ what: `${method} ${path}`, httpStatus: await rawHttp(httpUrl, method, path), grpcStatus: null });
  }
  for (const path of grpcPaths) {
    const { httpStatus, grpcStatus } = await callGrpc(grpcEndpoint, path);
    refusals.push({ what: `gRPC ${path}`, httpStatus, grpcStatus });
  }
  const body = "x".repeat(1_048_577);
  const large = await rawHttp(httpUrl, "POST", "/quorumguard.v1.GuardService/Allow", body);
  refusals.push({ what: "1 MiB and 1 byte", httpStatus: large, grpcStatus: null });
  return refusals;
}

/** By node:http, since fetch would resolve the path before it sends it. */
async function rawHttp(url: string, method: string, path: string, body = "{}"): Promise<number> {
  const { request } = await import("node:http");
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const headers = method === "GET" ? {} : { "content-type": "application/json", "content-length": body.length };
    const asked = request({ hostname, port, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      asked.destroy();
    });
    asked.on("error", reject);
    asked.end(method === "GET" ? undefined : body);
  });
}
