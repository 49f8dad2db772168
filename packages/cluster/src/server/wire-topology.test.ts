import { expect, it } from "vitest";
import { createScriptedNode } from "./scripted-node.fixture.ts";
import { fullTopology, wireTopology } from "./wire-topology.ts";

const { currentTopology: whole } = createScriptedNode();
const short = {
  ...whole,
  members: whole.members.map((member) => (member.nodeId === 3 ? { ...member, grpcEndpoint: "", httpUrl: "" } : member)),
};
const ids = (topology: ReturnType<typeof wireTopology>) => topology.members.map((member) => Number(member.nodeId));

it("clients never hear of a member without an address, operators do", () => {
  expect(ids(wireTopology(short))).toEqual([1, 2]);
  expect(ids(fullTopology(short))).toEqual([1, 2, 3]);
});

it("a list that was short is replaced once it is whole, and never the other way round", () => {
  expect(wireTopology(whole).version).toBeGreaterThan(wireTopology(short).version);
  const nextMembership = { ...short, version: short.version + 1 };
  expect(wireTopology(nextMembership).version).toBeGreaterThan(wireTopology(whole).version);
});
