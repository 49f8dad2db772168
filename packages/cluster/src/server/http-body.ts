import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { DescMessage } from "@bufbuild/protobuf";
import { edgeLimits } from "./edge-limits.ts";
import { InvalidField, shown } from "./invalid-field.ts";
import { readJsonBody } from "./judge-json.ts";
import { checkBinaryParts, checkJsonParts } from "./request-parts.ts";

const { maxMessageBytes } = edgeLimits;

/** A body that has more bytes than any message may. */
export class BodyTooLarge extends InvalidField {
  constructor(bytes: string) {
    const bound = `it must be at most ${maxMessageBytes.toLocaleString("en-US")} bytes (1 MiB); send fewer calls in one request`;
    super("the body", shown(`${bytes} bytes`), bound);
  }
}

/** Whether a request says that its messages are JSON, enveloped or not. */
export function isJson(request: IncomingMessage): boolean {
  return /^application\/([\w-]+\+)?json\b/i.test(request.headers["content-type"] ?? "");
}

/** How many bytes the caller says that its body has; null if it does not say. */
export function announcedBytes({ headers }: IncomingMessage): number | null {
  const announced = headers["content-length"];
  return announced === undefined ? null : Number(announced);
}

/** Has so many bytes of a body paid for. What it throws ends the reading. */
export type PayForBytes = (bytes: number) => void;

/** Reads a body that is one message. @throws {BodyTooLarge} and what `pay` throws. */
export function readMessage(request: IncomingMessage, pay: PayForBytes): Promise<Buffer> {
  return readBody(request, maxMessageBytes, pay);
}

/** Reads a body that is one message in its envelope. @throws {BodyTooLarge} and what `pay` throws. */
export function readEnvelope(request: IncomingMessage, pay: PayForBytes): Promise<Buffer> {
  return readBody(request, envelopeBytes + maxMessageBytes, pay);
}

async function readBody(request: IncomingMessage, maxBytes: number, pay: PayForBytes): Promise<Buffer> {
  const announced = announcedBytes(request) ?? 0;
  if (announced > maxBytes) throw new BodyTooLarge(announced.toLocaleString("en-US"));
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop early must not destroy the connection: the caller is still to hear why.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    // As it comes: whoever hangs up before the end has had it read and kept all the same.
    pay(length);
    if (length > maxBytes) throw new BodyTooLarge(`more than ${maxBytes.toLocaleString("en-US")}`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** A body as the library takes it. */
export type JudgedBody = AsyncIterable<Uint8Array<ArrayBuffer>>;

/**
 * Judges a message before the library decodes it. The library parses JSON again, since it alone tells of a name that stands
 * there twice: of two keys, a proxy may have judged the one and the node would count the other.
 *
 * @throws {InvalidField} if it cannot be a call.
 */
export function judgeMessage(input: DescMessage, bytes: Buffer, isJson: boolean): JudgedBody {
  if (isJson) {
    checkJsonParts(input, bytes);
    readJsonBody(input, bytes.toString());
  } else {
    checkBinaryParts(input, bytes);
  }
  return once(bytes);
}

/** A flag and the message's length. */
const envelopeBytes = 5;

/** Makes sure that a body is one message at most, of no more parts than a call may have. @throws {InvalidField} if it is not. */
export function judgeEnvelope(input: DescMessage, body: Buffer, isJson: boolean): JudgedBody {
  const message = body.subarray(envelopeBytes);
  if (body.length > envelopeBytes && body.readUInt32BE(1) < message.length) {
    throw new InvalidField("the body", shown("more than one message"), "send one in a request");
  }
  if (isJson) checkJsonParts(input, message);
  else checkBinaryParts(input, message);
  return once(body);
}

/** A message that says nothing, in its envelope. */
export function emptyEnvelope(isJson: boolean): JudgedBody {
  const message = Buffer.from(isJson ? "{}" : "");
  return once(Buffer.from([0, 0, 0, 0, message.length, ...message]));
}

/** Bytes as a body that comes in one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield bytes as Uint8Array<ArrayBuffer>;
}
