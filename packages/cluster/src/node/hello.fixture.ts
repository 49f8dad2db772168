import { FoundingPhase, type Hello } from "./hello-codec.ts";

/** What a sound voter of a formed cluster of three says of itself, but for what a test says otherwise. */
export function helloFrom(nodeId: number, changes: Partial<Hello> = {}): Hello {
  return {
    nodeId,
    bootId: "b",
    clusterId: "c".repeat(32),
    nonce: `n${nodeId}`,
    phase: FoundingPhase.formed,
    founders: [1, 2, 3],
    address: `h${nodeId}:1`,
    origin: [],
    members: [],
    droppedLastFrame: false,
    damaged: false,
    term: 1,
    lastTerm: 1,
    lastIndex: 1,
    ...changes,
  };
}
