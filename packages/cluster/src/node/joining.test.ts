import { expect, test } from "vitest";
import type { Identity } from "../storage/storage.ts";
import { FoundingPhase, type Hello } from "./hello-codec.ts";
import { Joining } from "./joining.ts";

const clusterId = "c".repeat(32);
const origin = [1, 2, 3].map((nodeId) => ({ nodeId, address: "", nonce: `disk-${nodeId}` }));

/** What member 1 says, to whom node 4 is a member with this disk; null: no member. */
function hello(nonce: string | null, changes: Partial<Hello> = {}): Hello {
  const newcomer = nonce === null ? [] : [{ nodeId: 4, address: "", nonce }];
  return {
    nodeId: 1,
    bootId: "boot",
    clusterId,
    nonce: "disk-1",
    phase: FoundingPhase.formed,
    founders: [1, 2, 3],
    droppedLastFrame: false,
    damaged: false,
    term: 5,
    lastTerm: 5,
    lastIndex: 9,
    address: "",
    origin,
    members: [...origin, ...newcomer],
    ...changes,
  };
}

function createNewcomer() {
  const saved: Identity[] = [];
  const formed: string[] = [];
  const refusals: string[] = [];
  let flushed: () => void = () => {};
  const joining = new Joining({
    nodeId: 4,
    nonce: "disk-4",
    host: {
      saveIdentity(identity, done) {
        saved.push(identity);
        flushed = done;
      },
      formed: (id) => formed.push(id),
      refused: (reason) => refusals.push(reason),
    },
  });
  return { joining, saved, formed, refusals, flush: () => flushed() };
}

test("N3: a newcomer takes part only when its identity, with the founders that the log begins with, is durable", () => {
  const { joining, saved, formed, flush } = createNewcomer();
  expect(joining.heard(hello("disk-4"))).toBeNull();
  const founders = origin.map(({ nodeId, nonce }) => ({ nodeId, nonce }));
  expect(saved).toEqual([{ clusterId, nodeId: 4, founders, formatVersion: 1 }]);
  expect([joining.phase, formed]).toEqual([FoundingPhase.joining, []]);
  joining.heard(hello("disk-4"));
  expect(saved).toHaveLength(1);
  flush();
  expect([joining.phase, joining.clusterId, formed]).toEqual([FoundingPhase.formed, clusterId, [clusterId]]);
});

test("N3: while no member names it, it waits", () => {
  const { joining, saved, refusals } = createNewcomer();
  expect(joining.heard(hello(null))).toBeNull();
  expect(joining.heard(hello("disk-4", { origin: [] }))).toBeNull();
  expect(joining.heard(hello("disk-4", { phase: FoundingPhase.joining }))).toContain("waits to join");
  expect([saved, refusals]).toEqual([[], []]);
});

test("N3: an empty folder never takes the place of the disk that its id is a member with", () => {
  const { joining, saved, refusals } = createNewcomer();
  expect(joining.heard(hello("disk-of-before"))).toContain("with another disk");
  expect(saved).toEqual([]);
  expect(refusals).toHaveLength(1);
  joining.heard(hello("disk-4"));
  expect(saved).toEqual([]);
});
