import { Buffer } from "node:buffer";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type ErrorDetail, ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import type { RunningServer } from "../start-server.ts";

/** What came of a call: "ok", or the wire's status and the reason of its detail. */
export interface Told {
  /** gRPC's number; of HTTP the status. */
  readonly status: number;
  readonly reason: string;
  readonly message: string;
}

/** Calls a node as a stranger may: any headers, any method. */
export interface StrangersClient {
  readonly name: "HTTP" | "gRPC";
  call<I extends DescMessage>(
    method: DescMethodUnary<I, DescMessage>,
    request: MessageInitShape<I>,
    authorization: readonly string[],
  ): Promise<Told>;
  close(): void;
}

const names = new Map<ErrorReason, string>(Object.entries(ErrorReason).map(([name, reason]) => [reason, name]));

/** The reason by its name on the wire, without what all have in front: `TOKEN_EXPIRED`. */
export const reasonOf = ({ reason }: Pick<ErrorDetail, "reason">): string => names.get(reason) ?? String(reason);
const asIs = (bytes: Buffer): Buffer => bytes;

/** Over HTTP, as JSON. */
export function httpClient({ addresses }: RunningServer): StrangersClient {
  return {
    name: "HTTP",
    close: () => {},
    async call(method, request, authorization) {
      const headers = new Headers({ "Content-Type": "application/json" });
      for (const value of authorization) headers.append("Authorization", value);
      const response = await fetch(`${addresses.httpUrl}/${method.parent.typeName}/${method.name}`, {
        method: "POST",
        headers,
        body: JSON.stringify(toJson(method.input, create(method.input, request) as never)),
      }).catch(() => null);
      // Refused before the request was whole: then fetch has no answer to show.
      if (response === null) return { status: 0, reason: "no answer", message: "" };
      const body = (await response.json()) as { message?: string; details?: { value: string }[] };
      if (response.ok) return { status: 200, reason: "ok", message: "" };
      const detail = fromBinary(ErrorDetailSchema, Buffer.from(body.details?.[0]?.value ?? "", "base64"));
      return { status: response.status, reason: reasonOf(detail), message: body.message ?? "" };
    },
  };
}

/** Over gRPC. */
export function grpcClient({ addresses }: RunningServer, channel?: ChannelCredentials): StrangersClient {
  const client = new Client(addresses.grpcEndpoint, channel ?? credentials.createInsecure());
  return {
    name: "gRPC",
    close: () => client.close(),
    call(method, request, authorization) {
      const metadata = new Metadata();
      for (const value of authorization) metadata.add("authorization", value);
      const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
      const path = `/${method.parent.typeName}/${method.name}`;
      const options = { deadline: Date.now() + 60_000 };
      return new Promise((resolve) => {
        client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, options, (error) => {
          resolve(error === null ? { status: 0, reason: "ok", message: "" } : toldBy(error));
        });
      });
    },
  };
}

/** What an error of gRPC says, its detail included. */
export function toldBy({ code, details, metadata }: ServiceError): Told {
  const [status] = metadata.get("grpc-status-details-bin");
  if (status === undefined) return { status: code, reason: "no detail", message: details };
  // Field 3 of google.rpc.Status is its only message: everything after its tag and length is the Any.
  const bytes = Buffer.from(status as Buffer);
  const any = fromBinary(AnySchema, bytes.subarray(bytes.indexOf("type.googleapis.com/") - 2));
  return { status: code, reason: reasonOf(fromBinary(ErrorDetailSchema, any.value)), message: details };
}
