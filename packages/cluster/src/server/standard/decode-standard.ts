import type { Buffer } from "node:buffer";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

/** Why a call of a standard service has no answer, in grpc-js's terms. */
export interface Refusal {
  readonly code: status;
  readonly details: string;
}

/** A message of a standard service as what its descriptor says it is; null: the bytes are none, which {@link noMessage} tells. */
export function decodeStandard<T>(schema: DescMessage, bytes: Buffer): T | null {
  try {
    return fromBinary(schema, bytes) as unknown as T;
  } catch {
    return null;
  }
}

/** What to answer to bytes that cannot be decoded. */
export function noMessage({ typeName }: DescMessage): Refusal {
  return { code: status.INVALID_ARGUMENT, details: `the request is not a ${typeName}` };
}
