import { Buffer } from "node:buffer";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";
import { ClusterService, type GetStatusResponse } from "@quorumguard/proto";

const asIs = (bytes: Buffer) => bytes;
const { getStatus } = ClusterService.method;
const statusPath = `/${ClusterService.typeName}/${getStatus.name}`;

/**
 * Asks one node for its status. `https://` in front of the endpoint asks for TLS.
 * Rejects with the reason when it does not answer in time.
 */
export function fetchStatus(endpoint: string, ca: Buffer | null, timeoutMs: number): Promise<GetStatusResponse> {
  const [, scheme, address = ""] = /^(?:(https?):\/\/)?(.*)$/.exec(endpoint) ?? [];
  const channel: ChannelCredentials =
    scheme === "https" || ca !== null ? credentials.createSsl(ca) : credentials.createInsecure();
  const client = new Client(address, channel);
  const request = Buffer.from(toBinary(getStatus.input, create(getStatus.input)));
  return new Promise<GetStatusResponse>((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    client.makeUnaryRequest(statusPath, asIs, asIs, request, options, (error, response) => {
      if (error) reject(new Error(reasonOf(error.details || error.message, timeoutMs), { cause: error }));
      else resolve(fromBinary(getStatus.output, response as Buffer));
    });
  }).finally(() => client.close());
}

/** The library's words, where they are not plain, in ours. */
function reasonOf(details: string, timeoutMs: number): string {
  if (details.includes("ECONNREFUSED")) return "nothing listens there (ECONNREFUSED)";
  if (/deadline exceeded/i.test(details)) return `no answer within ${timeoutMs} ms`;
  return details;
}
