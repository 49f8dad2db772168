import { describe, expect, test } from "vitest";
import type { PeerHandlers } from "../production.ts";
import { createRandom } from "../world/random.ts";
import { createTrace } from "../world/trace.ts";
import { createWorld } from "../world/world.ts";
import { createLinks, type NetworkConditions } from "./links.ts";
import { createPeerNetwork } from "./peer-network.ts";

const calm: NetworkConditions = { delayUs: 200, jitterUs: 800, loss: 0, duplicate: 0, reorder: 0, streamBreak: 0 };
const raft = 1;

async function twoNodes(conditions: NetworkConditions = calm, seed = 1) {
  const world = createWorld(createRandom(seed), createTrace());
  const links = createLinks(conditions);
  const counts: string[] = [];
  const network = createPeerNetwork(world, links, world.random.fork("network"), {
    isRaftFrame: (frame) => frame[0] === raft,
    tap: () => {},
    count: (fault) => counts.push(fault),
    pieceBytes: 65_536,
    received: () => {},
    installed: () => {},
    refusedNewer: () => counts.push("refused newer"),
    copying: () => {},
  });
  const nodes = await Promise.all([1, 2].map(start));

  async function start(nodeId: number) {
    const process = world.spawn(`node-${nodeId}`);
    const seen = { frames: [] as number[], downs: [] as string[], hellos: 0, snapshot: [] as number[] };
    const handlers: PeerHandlers = {
      hello: () => new Uint8Array([nodeId]),
      onHello: () => {
        seen.hellos++;
        return null;
      },
      onFrame: (_from, frame) => seen.frames.push(frame[1]!),
      onDown: (peer, refused) => seen.downs.push(`${peer} ${refused ? "refused" : "lost"}`),
      onRefused: () => {},
      onSnapshot: async () => ({
        write: async (piece) => {
          seen.snapshot.push(...piece);
        },
        finish: async () => true,
        abort: () => {},
      }),
    };
    const transport = network.transport(nodeId, process.name, process);
    await transport.start(handlers);
    return { nodeId, process, transport, seen };
  }
  await world.run(20_000);
  return { world, links, network, counts, start, one: nodes[0]!, two: nodes[1]! };
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

describe("the peer network", () => {
  test("carries frames in order on a connection", async () => {
    const { world, one, two } = await twoNodes();
    for (const at of numbers(50)) one.transport.send(2, new Uint8Array([raft, at]));
    await world.run(world.nowUs + 50_000);
    expect(two.seen.frames).toEqual(numbers(50));
  });

  test("repeats and reorders Raft's frames only", async () => {
    const { world, one, two, counts } = await twoNodes({ ...calm, duplicate: 0.3, reorder: 0.3 });
    for (const at of numbers(100)) one.transport.send(2, new Uint8Array([raft, at]));
    await world.run(world.nowUs + 100_000);
    expect(two.seen.frames.length).toBeGreaterThan(110);
    expect(two.seen.frames).not.toEqual([...two.seen.frames].sort((a, b) => a - b));
    expect(new Set(counts)).toEqual(new Set(["duplicate", "reorder"]));
    two.seen.frames.length = 0;
    for (const at of numbers(100)) one.transport.send(2, new Uint8Array([2, at]));
    await world.run(world.nowUs + 100_000);
    expect(two.seen.frames).toEqual(numbers(100));
  });

  test("a killed process is proven dead by the refused redial; a vanished one is only lost, later", async () => {
    const killed = await twoNodes();
    killed.world.kill(killed.two.process);
    killed.network.died(2, "killed");
    await killed.world.run(killed.world.nowUs + 10_000);
    expect(killed.one.seen.downs).toEqual(["2 refused"]);

    const vanished = await twoNodes();
    vanished.world.kill(vanished.two.process);
    vanished.network.died(2, "vanished");
    await vanished.world.run(vanished.world.nowUs + 1_000_000);
    expect(vanished.one.seen.downs).toEqual([]);
    await vanished.world.run(vanished.world.nowUs + 2_000_000);
    expect(vanished.one.seen.downs).toEqual(["2 lost"]);
  });

  test("a cut direction loses or holds, the other one still carries", async () => {
    const { world, links, one, two } = await twoNodes();
    links.cut("node-1", "node-2", "lose");
    one.transport.send(2, new Uint8Array([raft, 1]));
    two.transport.send(1, new Uint8Array([raft, 2]));
    await world.run(world.nowUs + 10_000);
    expect([one.seen.frames, two.seen.frames]).toEqual([[2], []]);
    links.heal("node-1", "node-2");
    links.cut("node-1", "node-2", "hold");
    one.transport.send(2, new Uint8Array([raft, 3]));
    await world.run(world.nowUs + 10_000);
    expect(two.seen.frames).toEqual([]);
    links.healAll();
    await world.run(world.nowUs + 10_000);
    expect(two.seen.frames).toEqual([3]);
  });

  test("a broken connection loses what is under way, says so to both, and comes back", async () => {
    const { world, network, one, two } = await twoNodes();
    one.transport.send(2, new Uint8Array([raft, 9]));
    network.breakConnection(1, 2);
    await world.run(world.nowUs + 100_000);
    expect(two.seen.frames).toEqual([]);
    expect([one.seen.downs, two.seen.downs]).toEqual([["2 lost"], ["1 lost"]]);
    one.transport.send(2, new Uint8Array([raft, 10]));
    await world.run(world.nowUs + 10_000);
    expect(two.seen.frames).toEqual([10]);
  });

  test("a node that comes back is greeted anew", async () => {
    const { world, network, start, one, two } = await twoNodes();
    world.kill(two.process);
    network.died(2, "killed");
    await world.run(world.nowUs + 10_000);
    const again = await start(2);
    await world.run(world.nowUs + 200_000);
    expect(one.seen.hellos).toBe(2);
    one.transport.send(2, new Uint8Array([raft, 4]));
    await world.run(world.nowUs + 10_000);
    expect(again.seen.frames).toEqual([4]);
  });

  test("a snapshot crosses whole, or not at all when the receiver dies", async () => {
    const { world, network, one, two } = await twoNodes();
    const content = new Uint8Array(200_000).map((_, at) => at % 251);
    const source = { bytes: content.length, read: async (at: number, n: number) => content.subarray(at, at + n) };
    const outcomes: boolean[] = [];
    void one.transport.sendSnapshot(2, new Uint8Array([1]), source).then((ok) => outcomes.push(ok));
    await world.run(world.nowUs + 100_000);
    expect(outcomes).toEqual([true]);
    expect(Uint8Array.from(two.seen.snapshot)).toEqual(content);

    void one.transport.sendSnapshot(2, new Uint8Array([1]), source).then((ok) => outcomes.push(ok));
    await world.run(world.nowUs + 3_000);
    world.kill(two.process);
    network.died(2, "killed");
    await world.run(world.nowUs + 3_000_000);
    expect(outcomes).toEqual([true, false]);
  });
});
