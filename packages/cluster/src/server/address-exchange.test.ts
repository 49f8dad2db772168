import type { NodeId } from "@quorumguard/raft";
import { describe, expect, it } from "vitest";
import type { PeerHandlers, PeerTransport } from "../transport/peer-transport.ts";
import { AddressBook, exchangeAddresses } from "./address-exchange.ts";

const addressesOf = (nodeId: NodeId) => ({ grpcEndpoint: `node${nodeId}:7400`, httpUrl: `http://node${nodeId}:7402` });

/** A node's side of the exchange: what its transport was told to say, and to call. */
async function side(nodeId: NodeId, refusal: string | null = null) {
  const book = new AddressBook();
  let handlers: PeerHandlers | undefined;
  const heard: Uint8Array[] = [];
  const wire: PeerTransport = {
    async start(given) {
      handlers = given;
    },
    addPeer() {},
    removePeer() {},
    send() {},
    sendSnapshot: async () => false,
    close: async () => {},
  };
  await exchangeAddresses(wire, book, () => addressesOf(nodeId)).start({
    hello: () => Uint8Array.of(1, 2, nodeId),
    onHello(_from, hello) {
      heard.push(hello);
      return refusal;
    },
    onFrame() {},
    onDown() {},
    onRefused() {},
    onSnapshot: async () => null,
  });
  return { handlers: handlers!, heard, members: book.members([1, 2]) };
}

describe("the exchange of client addresses", () => {
  it("hands the node's own hello through as it was, and learns where clients reach the peer", async () => {
    const [one, two] = [await side(1), await side(2)];
    expect(one.members).toMatchObject([{ grpcEndpoint: "" }, { grpcEndpoint: "", httpUrl: "" }]);
    expect(one.handlers.onHello(2, two.handlers.hello())).toBeNull();
    expect(one.heard.map((hello) => [...hello])).toEqual([[1, 2, 2]]);
    expect(one.members[1]).toMatchObject({ nodeId: 2, voter: true, ...addressesOf(2) });
  });

  it("learns nothing from a peer that is not welcome", async () => {
    const [one, two] = [await side(1, "another cluster"), await side(2)];
    expect(one.handlers.onHello(2, two.handlers.hello())).toBe("another cluster");
    expect(one.members[1]).toMatchObject({ grpcEndpoint: "" });
  });

  it("refuses what is no such hello, at every length, and never throws", async () => {
    const [one, two] = [await side(1), await side(2)];
    const whole = two.handlers.hello();
    const head = whole.length - 3;
    for (let length = 0; length < head; length++) {
      expect(one.handlers.onHello(2, whole.subarray(0, length))).toContain("not a QuorumGuard peer");
    }
    const garbage = new Uint8Array(4_096).fill(0xa5);
    expect(one.handlers.onHello(2, garbage)).toContain("not a QuorumGuard peer");
    // Lengths that promise more than any address has.
    const long = new Uint8Array(8 + 70_000);
    long.set(whole.subarray(0, 4));
    long.set([0xff, 0xff, 0, 0], 4);
    expect(one.handlers.onHello(2, long)).toContain("not a QuorumGuard peer");
    expect(one.heard).toEqual([]);
    expect(one.members[1]).toMatchObject({ grpcEndpoint: "" });
  });
});
