import type { NodeId } from "@quorumguard/raft";
import { PeerFormatError } from "./bytes.ts";
import { decodeEnvelope, FrameKind } from "./peer-codec.ts";
import type { RunningNode } from "./running-node.ts";

/** Gives a peer's frame to the part of a running node that it is for. @throws {PeerFormatError} on garbage. */
export function takeFrame(running: RunningNode, nodeId: NodeId, from: NodeId, frame: Uint8Array): void {
  switch (frame[0]) {
    case FrameKind.envelope: {
      const envelope = decodeEnvelope(frame, from, nodeId);
      running.driver.receive(from, envelope);
      running.resync.heard(from, envelope);
      break;
    }
    case FrameKind.requests:
      running.server.requests(from, frame);
      break;
    case FrameKind.replies:
      running.forwarder.replies(from, frame);
      break;
    default:
      throw new PeerFormatError(`frame of unknown kind ${frame[0]}`);
  }
}
