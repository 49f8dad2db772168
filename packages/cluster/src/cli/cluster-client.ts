import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ClusterService, type GetStatusResponse } from "@quorumguard/proto";
import { endpointFault } from "./endpoint-fault.ts";

/** Where a node listens for gRPC unless it is told otherwise. */
const DEFAULT_GRPC_PORT = 7400;
const asIs = (bytes: Buffer) => bytes;
const { getStatus } = ClusterService.method;

/** How nodes are reached, and as whom. */
export interface Reach {
  /** The authority of their certificates; null: those that Node.js trusts. */
  readonly ca: Buffer | null;
  /** The token to show; null: none. */
  readonly token: () => string | null;
}

/**
 * Asks one node for its status. `https://` in front of the endpoint asks for TLS.
 * Rejects with the reason when it does not answer in time.
 */
export function fetchStatus(endpoint: string, reach: Reach, timeoutMs: number): Promise<GetStatusResponse> {
  return callCluster(endpoint, getStatus, create(getStatus.input), reach, timeoutMs);
}

/** Another try would come to the same. */
const refusals: ReadonlySet<status> = new Set([
  status.FAILED_PRECONDITION,
  status.INVALID_ARGUMENT,
  status.ABORTED,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
]);

/** A node answered, and would not do what it was asked to. */
export class NodeRefusal extends Error {
  override readonly name = "NodeRefusal";
  /** Whether it was the token that did not suffice: no other node would say anything else. */
  readonly isForToken: boolean;

  constructor(message: string, { cause }: { readonly cause?: ServiceError } = {}) {
    super(message, { cause });
    this.isForToken = cause?.code === status.UNAUTHENTICATED || cause?.code === status.PERMISSION_DENIED;
  }
}

/**
 * Asks one node one thing. Rejects with the reason when it does not answer in time.
 * @throws {NodeRefusal} when it answers that it will not.
 */
export function callCluster<I extends DescMessage, O extends DescMessage>(
  endpoint: string,
  method: DescMethodUnary<I, O>,
  message: MessageShape<I>,
  { ca, token }: Reach,
  timeoutMs: number,
): Promise<MessageShape<O>> {
  const [, scheme, host = ""] = /^(?:(https?):\/\/)?(.*)$/.exec(endpoint) ?? [];
  const isSecure = scheme === "https" || ca !== null;
  const address = /:\d+$/.test(host) ? host : `${host}:${DEFAULT_GRPC_PORT}`;
  const channel: ChannelCredentials = isSecure ? credentials.createSsl(ca) : credentials.createInsecure();
  const client = new Client(address, channel);
  const path = `/${method.parent.typeName}/${method.name}`;
  const request = Buffer.from(toBinary(method.input, message));
  const metadata = new Metadata();
  const shown = token();
  if (shown !== null) metadata.set("authorization", `Bearer ${shown}`);
  const fail = (cause: ServiceError, reject: (error: Error) => void): void => {
    const details = cause.details || cause.message;
    if (refusals.has(cause.code)) {
      const remedy = cause.code === status.UNAUTHENTICATED ? " (--token-file, or $QUORUMGUARD_TOKEN)" : "";
      reject(new NodeRefusal(`${details}${remedy}`, { cause }));
      return;
    }
    const plain = plainReason(details, timeoutMs);
    const look = plain === null ? endpointFault(isSecure ? `https://${address}` : address, ca) : Promise.resolve(plain);
    look.then((reason) => reject(new Error(reason ?? details, { cause })), reject);
  };
  return new Promise<MessageShape<O>>((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    client.makeUnaryRequest(path, asIs, asIs, request, metadata, options, (error, response) => {
      if (error) fail(error, reject);
      else resolve(fromBinary(method.output, response as Buffer));
    });
  }).finally(() => client.close());
}

/** What the library says of an outage, in plain words; null: what speaks there is worth a look. */
function plainReason(details: string, timeoutMs: number): string | null {
  if (details.includes("ECONNREFUSED")) return "nothing listens there (ECONNREFUSED)";
  if (/deadline exceeded/i.test(details)) return `no answer within ${timeoutMs} ms`;
  return null;
}
