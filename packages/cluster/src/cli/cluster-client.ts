import { Buffer } from "node:buffer";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { ClusterService, type GetStatusResponse } from "@quorumguard/proto";
import { endpointFault } from "./endpoint-fault.ts";

/** Where a node listens for gRPC unless it is told otherwise. */
const DEFAULT_GRPC_PORT = 7400;
const asIs = (bytes: Buffer) => bytes;
const { getStatus } = ClusterService.method;
const statusPath = `/${ClusterService.typeName}/${getStatus.name}`;

/**
 * Asks one node for its status. `https://` in front of the endpoint asks for TLS.
 * Rejects with the reason when it does not answer in time.
 */
export function fetchStatus(endpoint: string, ca: Buffer | null, timeoutMs: number): Promise<GetStatusResponse> {
  const [, scheme, host = ""] = /^(?:(https?):\/\/)?(.*)$/.exec(endpoint) ?? [];
  const isSecure = scheme === "https" || ca !== null;
  const address = /:\d+$/.test(host) ? host : `${host}:${DEFAULT_GRPC_PORT}`;
  const channel: ChannelCredentials = isSecure ? credentials.createSsl(ca) : credentials.createInsecure();
  const client = new Client(address, channel);
  const request = Buffer.from(toBinary(getStatus.input, create(getStatus.input)));
  const fail = (cause: ServiceError, reject: (error: Error) => void): void => {
    const details = cause.details || cause.message;
    const plain = plainReason(details, timeoutMs);
    const look = plain === null ? endpointFault(isSecure ? `https://${address}` : address, ca) : Promise.resolve(plain);
    look.then((reason) => reject(new Error(reason ?? details, { cause })), reject);
  };
  return new Promise<GetStatusResponse>((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    client.makeUnaryRequest(statusPath, asIs, asIs, request, options, (error, response) => {
      if (error) fail(error, reject);
      else resolve(fromBinary(getStatus.output, response as Buffer));
    });
  }).finally(() => client.close());
}

/** What the library says of an outage, in plain words; null: what speaks there is worth a look. */
function plainReason(details: string, timeoutMs: number): string | null {
  if (details.includes("ECONNREFUSED")) return "nothing listens there (ECONNREFUSED)";
  if (/deadline exceeded/i.test(details)) return `no answer within ${timeoutMs} ms`;
  return null;
}
