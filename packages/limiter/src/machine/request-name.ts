import type { CallsLayout } from "../entry/calls-layout.ts";
import { encodeUtf8 } from "../entry/utf8.ts";

/** Namespace, identity and request id in one run of bytes, each after its length: the name that a request id is remembered by. */
export function requestName(layout: CallsLayout): Uint8Array {
  const { bytes } = layout;
  return joinParts([
    bytes.subarray(layout.namespaceStart, layout.namespaceStart + layout.namespaceLength),
    bytes.subarray(layout.identityStart, layout.identityStart + layout.identityLength),
    bytes.subarray(layout.requestIdStart, layout.requestIdStart + layout.requestIdLength),
  ]);
}

/** The name that a request id is remembered by, from parts given as text. */
export function requestNameOf(namespace: string, identity: string, requestId: string): Uint8Array {
  return joinParts([encodeUtf8(namespace), encodeUtf8(identity), encodeUtf8(requestId)]);
}

function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + 2 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined[at++] = part.length;
    joined[at++] = part.length >>> 8;
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
