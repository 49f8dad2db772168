import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import { afterEach, describe, expect, test } from "vitest";
import type { Driver } from "./driver.ts";
import { ManualClock } from "./manual-clock.fixture.ts";
import { Succession, type SuccessionParts } from "./succession.ts";
import { batchOf, submit, TestCluster } from "./test-cluster.fixture.ts";

let cluster: TestCluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

/** Node `nodeId` of five under leader 1, whose log ends at (3, 7), and what its succession does to the core. */
function survivor(nodeId: NodeId) {
  const clock = new ManualClock();
  const core = { leader: 1, state: "follower", term: 4, campaigns: 0, stepped: [] as Message[] };
  const driver = {
    mayLead: true,
    raft: {
      get softState() {
        return { leader: core.leader, state: core.state };
      },
      get term() {
        return core.term;
      },
      campaign: () => {
        core.campaigns++;
      },
    },
    wake: () => {},
    receiveMessage: (message: Message) => core.stepped.push(message),
  } as unknown as Driver;
  const storage = { lastIndex: () => 7, term: () => 3 } as unknown as SuccessionParts["storage"];
  const electorate = { voters: [1, 2, 3, 4, 5] } as unknown as SuccessionParts["electorate"];
  const succession = new Succession({
    nodeId,
    electorate,
    driver,
    storage,
    clock,
    electionMs: 150,
    random: () => 0,
    log: () => {},
  });
  const proof = (): void => {
    core.leader = 0;
    succession.begin(1);
  };
  const pass = (ms: number): number => {
    for (let passed = 0; passed < ms; passed++) clock.advance(1);
    return core.campaigns;
  };
  return { clock, core, succession, proof, pass };
}

const request = (from: NodeId, logTerm: number, index: number, term = 5): Message =>
  ({ type: MessageType.preVote, from, term, logTerm, index }) as Message;

describe("N4: after the proof of a leader's death", () => {
  test("N4 the survivors stand by rank among themselves, 15 ms apart", () => {
    expect(survivor(2).proof).toBeDefined();
    for (const [rank, id] of [2, 3, 4, 5].entries()) {
      const { core, proof, pass } = survivor(id);
      proof();
      // The first waits for no timer, which a busy machine would let fire late.
      expect(core.campaigns).toBe(rank === 0 ? 1 : 0);
      expect(pass(rank * 15)).toBe(1);
      expect(pass(1)).toBe(1);
    }
  });

  test("N4 nobody stands beside a candidate with a log as good as the own one, until that has had its chance", () => {
    const { succession, proof, pass } = survivor(3);
    proof();
    succession.asked(request(2, 3, 7));
    expect(pass(74)).toBe(0);
    expect(pass(2)).toBe(1);
  });

  test("N4 a candidate that cannot win does not hold the others up", () => {
    for (const [logTerm, index] of [
      [3, 6],
      [2, 9],
    ] as const) {
      const { succession, proof, pass } = survivor(3);
      proof();
      succession.asked(request(2, logTerm, index));
      expect(pass(15)).toBe(1);
    }
  });

  test("N4 who has seen a later term waits for what becomes of its election", () => {
    const { core, proof, pass } = survivor(4);
    proof();
    pass(10);
    core.term = 5;
    expect(pass(60)).toBe(0);
    // Nothing has become of it.
    expect(pass(50)).toBe(1);
  });

  test("N4 nobody stands once there is a leader", () => {
    const { core, proof, pass } = survivor(5);
    proof();
    pass(10);
    core.leader = 2;
    expect(pass(1_000)).toBe(0);
  });

  test("N4 a request that came before the own proof is answered with the proof, and given its chance", () => {
    const { core, succession, proof, pass } = survivor(2);
    const early = request(4, 3, 7);
    succession.asked(early);
    expect(core.stepped).toEqual([]);
    proof();
    expect(core.stepped).toEqual([early]);
    expect(pass(74)).toBe(0);
  });

  test("N4 of two that ask for pre-votes at once the one of the later rank takes no notice of what it is granted", () => {
    const granted = { type: MessageType.preVoteResp, reject: false } as Message;
    const { core, succession, proof, pass } = survivor(3);
    proof();
    expect(pass(15)).toBe(1);
    core.state = "preCandidate";
    succession.asked(request(4, 3, 7));
    expect(succession.ignores(granted)).toBe(false);
    succession.asked(request(2, 3, 6));
    expect(succession.ignores(granted)).toBe(false);
    succession.asked(request(2, 3, 7));
    expect(succession.ignores(granted)).toBe(true);
    expect(succession.ignores({ ...granted, reject: true })).toBe(false);
    expect(succession.ignores({ ...granted, type: MessageType.voteResp })).toBe(false);
    pass(75);
    expect(succession.ignores(granted)).toBe(false);
    // Were the withdrawal of then still to count, neither of two that ask in step would ever be elected.
    succession.asked(request(4, 3, 7));
    expect(succession.ignores(granted)).toBe(false);
  });

  test("N4 neither a request of long ago nor one of the dead leader is answered", () => {
    const { clock, core, succession, proof, pass } = survivor(2);
    succession.asked(request(4, 3, 7));
    clock.advance(200);
    succession.asked(request(1, 3, 7));
    proof();
    expect(core.stepped).toEqual([]);
    expect(pass(1)).toBe(1);
  });

  test("N4 who yielded to the dead leader's own election yields to nobody now", () => {
    const { core, succession, proof, pass } = survivor(2);
    core.leader = 0;
    succession.asked(request(1, 3, 7, 4));
    core.leader = 1;
    proof();
    expect(pass(1)).toBe(1);
  });

  test("N4 a node that slept over its rank hears what came meanwhile before it stands", () => {
    const { clock, core, succession, proof, pass } = survivor(3);
    proof();
    clock.advance(40);
    expect(core.campaigns).toBe(0);
    succession.asked(request(2, 3, 7));
    expect(pass(70)).toBe(0);
    const alone = survivor(3);
    alone.proof();
    alone.clock.advance(40);
    expect(alone.pass(15)).toBe(1);
  });

  test("N4 gives up after a few attempts: then the ordinary timeout decides", () => {
    const { proof, pass } = survivor(2);
    proof();
    expect(pass(10_000)).toBe(6);
  });

  test("N4 of five, each proven death costs one new term", async () => {
    cluster = await TestCluster.started(5, { electionMs: 1_000, heartbeatMs: 30 });
    for (const deaths of [1, 2]) {
      const leader = await cluster.leader();
      await submit(leader, batchOf([`k${deaths}`], 1));
      const { term } = leader.status();
      await cluster.stop(leader.nodeId);
      const next = await cluster.leader();
      await submit(next, batchOf([`after ${deaths}`], 1));
      expect([...cluster.nodes.values()].map((node) => node.status().term)).toEqual(
        [...cluster.nodes.keys()].map(() => term + 1),
      );
    }
  });
});
