import {
  decodeSessionRequest,
  decodeSessionResponse,
  encodeSessionRequest,
  encodeSessionResponse,
} from "@quorumguard/proto";
import { expect, test } from "vitest";
import { boundSession } from "./bound-session.ts";

const session = { index: 12n, position: 3 };

/** What a client's message binds its stream to. */
function boundByClient(message: Parameters<typeof encodeSessionRequest>[0]): string | null {
  const decoded = decodeSessionRequest(encodeSessionRequest(message));
  return decoded.kind === "message" ? boundSession(decoded.message) : null;
}

/** What a node's message binds the stream to. */
function boundByNode(message: Parameters<typeof encodeSessionResponse>[0]): string | null {
  const decoded = decodeSessionResponse(encodeSessionResponse(message));
  return decoded.kind === "message" ? boundSession(decoded.message) : null;
}

test("a stream belongs to the session that its client continues, or that a node has created for it", () => {
  expect(boundByClient({ case: "resume", value: { session } })).toBe("12:3");
  expect(boundByNode({ case: "registered", value: { session } })).toBe("12:3");
});

test("no other message binds a stream, nor one that names no session", () => {
  expect(boundByClient({ case: "register", value: {} })).toBeNull();
  expect(boundByClient({ case: "resume", value: {} })).toBeNull();
  expect(boundByNode({ case: "resumed", value: {} })).toBeNull();
});
