import { callGrpc } from "./raw-grpc.ts";
import type { HttpAnswer, Refusal, StackReport } from "./report.ts";

/** Paths of the HTTP port that are the operator's, or nobody's. */
const httpPaths = [
  ["GET", "/metrics"],
  ["GET", "/"],
  ["POST", "/quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.ClusterService/TakeSnapshot"],
  ["POST", "/quorumguard.v1.ClusterService/GetStatus"],
  ["POST", "/quorumguard.v1.ClusterService/WatchTopology"],
  // Ways around a pattern: a second slash, an escaped letter, a step up, a suffix. What begins or ends as something that
  // is served must not pass either: the node would get it as it was spelt.
  ["POST", "//quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.Cluster%53ervice/TransferLeadership"],
  ["POST", "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.GuardService/Allow/../../quorumguard.v1.ClusterService/TransferLeadership"],
  ["POST", "/quorumguard.v1.ClusterService/TransferLeadership/../../quorumguard.v1.GuardService/Allow"],
  ["POST", "/quorumguard.v1.GuardService/Allow%0a"],
  ["POST", "/quorumguard.v1.GuardService/Allow/"],
  ["POST", "//quorumguard.v1.GuardService/Allow"],
  ["POST", "/quorumguard.v1.GuardService//Allow"],
  ["GET", "/healthz/../metrics"],
  ["GET", "/metrics/../healthz"],
] as const;

const grpcPaths = [
  "/quorumguard.v1.ClusterService/TransferLeadership",
  "/quorumguard.v1.ClusterService/TakeSnapshot",
  "/quorumguard.v1.ClusterService/GetStatus",
  "/quorumguard.v1.ClusterService/GetTopology",
  "/quorumguard.v1.GuardService/%2e%2e/quorumguard.v1.ClusterService/TransferLeadership",
  "/quorumguard.v1.ClusterService/TransferLeadership/../../quorumguard.v1.GuardService/Allow",
  "/quorumguard.v1.GuardService/Allow%0a",
  "//quorumguard.v1.GuardService/Allow",
  "/quorumguard.v1.ClusterService/TransferLeadership/../../grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
] as const;

/** Asks nginx for what it must not let through. */
export async function tryRefused(grpcEndpoint: string, httpUrl: string): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  for (const [method, path] of httpPaths) {
    const { httpStatus, body } = await rawHttp(httpUrl, method, path);
    refusals.push({ what: `${method} ${path}`, httpStatus, grpcStatus: null, told: body.trim() });
  }
  for (const path of grpcPaths) {
    const { httpStatus, grpcStatus, grpcMessage } = await callGrpc(grpcEndpoint, path);
    refusals.push({ what: `gRPC ${path}`, httpStatus, grpcStatus, told: grpcMessage });
  }
  return refusals;
}

const allowPath = "/quorumguard.v1.GuardService/Allow";

/** Sends messages of these sizes by both ports. */
export async function sendLarge(
  sizes: readonly number[],
  { grpcEndpoint, httpUrl }: { readonly grpcEndpoint: string; readonly httpUrl: string },
): Promise<StackReport["large"]> {
  const answers: StackReport["large"][number][] = [];
  for (const bytes of sizes) {
    // To a reader of protobuf, each two of these letters are a field that it does not know.
    const grpc = await callGrpc(grpcEndpoint, allowPath, "x".repeat(bytes));
    const http = await rawHttp(httpUrl, "POST", allowPath, `{}${" ".repeat(bytes - 2)}`);
    answers.push({ bytes, grpc, http });
  }
  return answers;
}

/** By node:http, since fetch would resolve the path before it sends it. */
async function rawHttp(url: string, method: string, path: string, body = "{}"): Promise<HttpAnswer> {
  const { request } = await import("node:http");
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const headers = method === "GET" ? {} : { "content-type": "application/json", "content-length": body.length };
    const asked = request({ hostname, port, method, path, headers }, (response) => {
      let told = "";
      response.on("data", (text) => (told += text));
      response.on("end", () => {
        resolve({ httpStatus: response.statusCode ?? 0, body: told });
        asked.destroy();
      });
    });
    asked.on("error", reject);
    asked.end(method === "GET" ? undefined : body);
  });
}
