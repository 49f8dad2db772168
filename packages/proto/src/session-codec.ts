/**
 * The codec of the Session stream. Frames and replies, which carry the traffic, are read and written by hand, without
 * an object per item; every other message goes through the generated code. Both write the same bytes.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CodecError, MAX_MESSAGE_BYTES } from "./codec-error.ts";
import { decodeFrameBody, type ReceivedFrame } from "./frame-codec.ts";
import { decodeFrameReplyBody, type ReceivedReply } from "./frame-reply-codec.ts";
import {
  FrameReplySchema,
  FrameSchema,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "./gen/quorumguard/v1/session_pb.ts";
import { WireReader } from "./wire-reader.ts";

export { CodecError, MAX_FRAME_ITEMS, MAX_KEY_BYTES, MAX_MESSAGE_BYTES } from "./codec-error.ts";
export { encodeFrame, type FrameColumns, type ReceivedFrame, type WireRule } from "./frame-codec.ts";
export {
  encodeFrameReply,
  type FrameReplyColumns,
  type ReceivedReply,
  type ResultValues,
} from "./frame-reply-codec.ts";

/** What a client says: calls, or anything else. */
export type DecodedRequest =
  | { readonly kind: "frame"; readonly frame: ReceivedFrame }
  | { readonly kind: "message"; readonly message: SessionRequest };

/** What a node says: results, or anything else. */
export type DecodedResponse =
  | { readonly kind: "reply"; readonly reply: ReceivedReply }
  | { readonly kind: "message"; readonly message: SessionResponse };

/** The tag of field 1 with a length: `SessionRequest.frame` and `SessionResponse.reply`. */
const HOT_TAG = 0x0a;

/**
 * Reads one SessionRequest. A decoded frame points into `bytes`, which must stay as they are while it is used.
 * @throws {CodecError} when the bytes are none, or exceed the bounds; never anything else.
 */
export function decodeSessionRequest(bytes: Uint8Array): DecodedRequest {
  const from = hotBody(bytes);
  if (from > 0) return { kind: "frame", frame: decodeFrameBody(bytes, from, bytes.length) };
  const message = guarded(() => fromBinary(SessionRequestSchema, bytes));
  if (message.message.case !== "frame") return { kind: "message", message };
  // Legal, but written by nobody we know: a frame in several pieces, or with fields of the future around it.
  const frame = message.message.value;
  const whole = guarded(() => toBinary(FrameSchema, frame));
  return { kind: "frame", frame: decodeFrameBody(whole, 0, whole.length) };
}

/**
 * Reads one SessionResponse.
 * @throws {CodecError} when the bytes are none, or exceed the bounds; never anything else.
 */
export function decodeSessionResponse(bytes: Uint8Array): DecodedResponse {
  const from = hotBody(bytes);
  if (from > 0) return { kind: "reply", reply: decodeFrameReplyBody(bytes, from, bytes.length) };
  const message = guarded(() => fromBinary(SessionResponseSchema, bytes));
  if (message.message.case !== "reply") return { kind: "message", message };
  const reply = message.message.value;
  const whole = guarded(() => toBinary(FrameReplySchema, reply));
  return { kind: "reply", reply: decodeFrameReplyBody(whole, 0, whole.length) };
}

/** One SessionRequest that is not a frame. */
export function encodeSessionRequest(
  message: NonNullable<MessageInitShape<typeof SessionRequestSchema>["message"]>,
): Uint8Array {
  return toBinary(SessionRequestSchema, create(SessionRequestSchema, { message }));
}

/** One SessionResponse that is not a reply. */
export function encodeSessionResponse(
  message: NonNullable<MessageInitShape<typeof SessionResponseSchema>["message"]>,
): Uint8Array {
  return toBinary(SessionResponseSchema, create(SessionResponseSchema, { message }));
}

/** Where the body of field 1 begins if the message is nothing but that field, else 0. */
function hotBody(bytes: Uint8Array): number {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new CodecError("message", `message: ${bytes.length} bytes are above ${MAX_MESSAGE_BYTES}`);
  }
  if (bytes[0] !== HOT_TAG) return 0;
  const reader = new WireReader(bytes, 1);
  const end = reader.lengthEnd("message");
  return end === bytes.length ? reader.at : 0;
}

function guarded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new CodecError("message", `message: not a message of quorumguard.v1 (${String(cause)})`, { cause });
  }
}
