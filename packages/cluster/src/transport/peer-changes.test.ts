import { freePorts } from "@quorumguard/testbed";
import { afterEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../node/system-clock.ts";
import { formatAddress, parseAddress } from "./tcp-options.ts";
import { createTcpTransport, type TcpTransport } from "./tcp-transport.ts";

const open: TcpTransport[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

interface Node {
  readonly transport: TcpTransport;
  readonly address: string;
  readonly frames: string[];
  readonly downs: string[];
  readonly refusals: string[];
  /** What it says to a hello; null: welcome. */
  refusal: string | null;
}

/** A node that knows nobody, but perhaps an address to turn to. */
async function start(nodeId: number, contacts: readonly string[] = []): Promise<Node> {
  const [port] = await freePorts(1);
  const transport = createTcpTransport({
    nodeId,
    listen: { host: "127.0.0.1", port: port! },
    peers: [],
    contacts: contacts.map((contact) => parseAddress(contact)!),
    clock: createSystemClock(),
  });
  open.push(transport);
  const address = `127.0.0.1:${port}`;
  const node: Node = { transport, address, frames: [], downs: [], refusals: [], refusal: null };
  await transport.start({
    hello: () => Buffer.from(`hello from ${nodeId}`),
    onHello: () => node.refusal,
    onFrame: (from, frame) => void node.frames.push(`${from}: ${Buffer.from(frame).toString()}`),
    onDown: (peer) => void node.downs.push(`${peer}`),
    onRefused: (peer, reason) => void node.refusals.push(`${peer}: ${reason}`),
    onSnapshot: async () => null,
  });
  return node;
}

const until = (probe: () => boolean) => expect.poll(probe, { timeout: 60_000, interval: 2 }).toBe(true);

async function reaches(from: Node, to: number, node: Node, text: string): Promise<void> {
  await until(() => {
    from.transport.send(to, Buffer.from(text));
    return node.frames.some((frame) => frame.endsWith(text));
  });
}

describe("peers that come and go", () => {
  test("are dialled once they are known, and followed when they move", async () => {
    const [one, two, elsewhere] = [await start(1), await start(2), await start(2)];
    one.transport.addPeer(2, two.address);
    await reaches(one, 2, two, "here");
    one.transport.addPeer(2, two.address);
    one.transport.addPeer(2, "");
    one.transport.addPeer(2, elsewhere.address);
    await reaches(one, 2, elsewhere, "there");
    expect(two.frames.some((frame) => frame.endsWith("there"))).toBe(false);
  });

  test("are cut off once they are removed, and told why when they come back", async () => {
    const [one, two] = [await start(1), await start(2)];
    one.transport.addPeer(2, two.address);
    two.transport.addPeer(1, one.address);
    await reaches(two, 1, one, "before");
    await reaches(one, 2, two, "before");
    one.refusal = "removed: go away";
    one.transport.removePeer(2);
    await until(() => two.refusals.length > 0);
    expect([two.downs[0], two.refusals[0]]).toEqual(["1", "1: removed: go away"]);
    const heard = two.frames.length;
    one.transport.send(2, Buffer.from("after"));
    two.transport.send(1, Buffer.from("after"));
    await until(() => two.refusals.length > 1);
    expect(two.frames).toHaveLength(heard);
    expect(one.frames.some((frame) => frame.endsWith("after"))).toBe(false);
  });

  test("a newcomer's contact hears of it and says what it thinks; who turned it away is asked at once when it calls", async () => {
    const member = await start(1);
    member.refusal = "not a member yet";
    const newcomer = await start(4, [member.address]);
    await until(() => newcomer.refusals.includes("0: not a member yet"));
    member.refusal = null;
    // The contact is a peer with an id from here on.
    newcomer.transport.addPeer(1, member.address);
    await reaches(newcomer, 1, member, "joined");
    expect(member.frames.at(-1)).toBe("4: joined");
  });
});

test.each(["10.0.0.1:7401", "[::1]:7401", "host.example:1"])("the address %s is read as it is written", (text) => {
  expect(formatAddress(parseAddress(text)!)).toBe(text);
});

test.each(["", "host", "host:", ":1", "::1:7401", "host:70000", "host:1:2"])("%j is no address", (text) => {
  expect(parseAddress(text)).toBeNull();
});
