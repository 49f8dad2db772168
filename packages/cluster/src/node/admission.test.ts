import { describe, expect, test } from "vitest";
import { Admission, saysRemoved } from "./admission.ts";
import { helloFrom } from "./hello.fixture.ts";
import { FoundingPhase } from "./hello-codec.ts";
import { Joining } from "./joining.ts";
import { Members } from "./members.ts";

const { clusterId } = helloFrom(1);
const newcomer = (nodeId: number, nonce = `n${nodeId}`) =>
  helloFrom(nodeId, { clusterId: "", phase: FoundingPhase.joining, founders: [], nonce });

function door(): { members: Members; admission: Admission } {
  const members = new Members([1, 2, 3].map((nodeId) => ({ nodeId, address: "", nonce: `n${nodeId}` })));
  return { members, admission: new Admission(1, clusterId, members) };
}

describe("a hello", () => {
  test("of a member with its own disk is welcome, with another one it is not", () => {
    const { admission } = door();
    expect(admission.judge(helloFrom(2))).toBeNull();
    expect(admission.judge(helloFrom(2, { nonce: "x" }))).toContain("quorumguard member remove 2");
    expect(admission.judge(helloFrom(2, { clusterId: "d".repeat(32) }))).toContain("belongs to cluster dddd");
  });

  test("of a newcomer is answered with the command to run, and remembered with its address and disk", () => {
    const { admission } = door();
    const seen: number[] = [];
    const end = admission.onCandidate(({ nodeId }) => seen.push(nodeId));
    expect(admission.judge(newcomer(4))).toContain("run: quorumguard member add 4 --peer h4:1");
    end();
    expect(admission.candidate(4)).toEqual({ nodeId: 4, address: "h4:1", nonce: "n4" });
    for (let id = 5; id < 30; id++) admission.judge(newcomer(id));
    expect(admission.candidate(4)).toBeUndefined();
    expect(seen).toEqual([4]);
  });

  test("of a removed member says so for ever, and which id is free", () => {
    const { admission, members } = door();
    members.applied(9, null, { ...members.confState, voters: [1, 2] });
    for (const judged of [admission.judge(helloFrom(3)), admission.judge(newcomer(3))]) {
      expect(judged).toContain("--id 4 or larger");
      expect(saysRemoved(judged!)).toBe(true);
    }
    expect(saysRemoved(admission.judge(newcomer(4))!)).toBe(false);
  });

  test("of a member whose admission this node has yet to apply is welcome: without it this node might never catch up", () => {
    expect(door().admission.judge(helloFrom(5))).toBeNull();
  });

  test("of a founder of something else is answered with the flag that it lacks", () => {
    const stranger = helloFrom(7, { clusterId: "", phase: FoundingPhase.collecting, founders: [5, 6, 7] });
    expect(door().admission.judge(stranger)).toContain("start it with --join in place of --cluster");
  });
});

describe("N3: a newcomer", () => {
  const origin = [1, 2, 3].map((nodeId) => ({ nodeId, address: "", nonce: `n${nodeId}` }));
  function joining(nonce = "n4") {
    const events: string[] = [];
    let flushed = () => {};
    const way = new Joining({
      nodeId: 4,
      nonce,
      host: {
        saveIdentity: (identity, done) => {
          events.push(`save ${identity.clusterId.slice(0, 1)} ${identity.founders.length}`);
          flushed = done;
        },
        formed: (id) => events.push(`formed ${id.slice(0, 1)}`),
        refused: (reason) => events.push(`refused ${reason}`),
      },
    });
    return { way, events, flush: () => flushed() };
  }
  const named = (nonce: string) => helloFrom(1, { origin, members: [...origin, { nodeId: 4, address: "", nonce }] });

  test("waits until a member names it, and takes part only once its identity is flushed", () => {
    const { way, events, flush } = joining();
    expect(way.heard(helloFrom(1, { origin, members: origin }))).toBeNull();
    expect(way.heard(helloFrom(2, { phase: FoundingPhase.flushed }))).toContain(
      "waits to join a cluster that has formed",
    );
    expect(events).toEqual([]);
    expect(way.heard(named("n4"))).toBeNull();
    way.heard(named("n4"));
    expect([events, way.phase]).toEqual([["save c 3"], FoundingPhase.joining]);
    flush();
    expect([events, way.phase]).toEqual([["save c 3", "formed c"], FoundingPhase.formed]);
  });

  test("with an empty disk in the place of a member's stops, however it is named", () => {
    const { way, events } = joining("other");
    expect(way.heard(named("n4"))).toContain("with another disk than this empty folder");
    expect(events).toHaveLength(1);
    expect(events[0]).toContain("quorumguard member remove 4");
  });
});
