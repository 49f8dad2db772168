import { Buffer } from "node:buffer";
import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { type ErrorDetail, ErrorDetailSchema } from "@quorumguard/proto";
import type { CallError } from "./call-error.ts";

/** Where gRPC carries a `google.rpc.Status`. */
const detailsKey = "grpc-status-details-bin";

/** An error of a call in gRPC's terms: status, and the typed detail in its trailers. */
export function grpcStatus(error: CallError): StatusObject {
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(encodeStatus(error.code, error.message, error.detail)));
  return { code: error.code, details: error.message, metadata };
}

/** A `google.rpc.Status` with one detail. Three fields are not worth a generated dependency. */
function encodeStatus(code: number, message: string, detail: ErrorDetail): Uint8Array {
  const any = new BinaryWriter()
    .uint32(0x0a)
    .string(`type.googleapis.com/${ErrorDetailSchema.typeName}`)
    .uint32(0x12)
    .bytes(toBinary(ErrorDetailSchema, detail))
    .finish();
  return new BinaryWriter().uint32(0x08).int32(code).uint32(0x12).string(message).uint32(0x1a).bytes(any).finish();
}
