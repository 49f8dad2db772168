import { Buffer } from "node:buffer";
import type { NodeId } from "@quorumguard/raft";
import type { Member } from "../node/node.ts";
import type { PeerHandlers, PeerTransport } from "../transport/peer-transport.ts";
import { InvalidField } from "./invalid-field.ts";

/** The two addresses under which clients reach one member, as it advertises them itself. */
export interface ClientAddresses {
  /** host:port of the gRPC listener. */
  readonly grpcEndpoint: string;
  /** http(s)://host:port of the HTTP listener. */
  readonly httpUrl: string;
}

/** No address is longer: a host name has at most 253 bytes. */
const maxAddressBytes = 300;
const magic = 0x5147_4144;

/**
 * The members as clients see them. Only a node itself knows where clients reach it, so nodes tell each other in the
 * first bytes of every connection: a `--cluster` list needs peer addresses alone, and a node that moved is found again.
 */
export class AddressBook {
  readonly #known = new Map<NodeId, ClientAddresses>();

  /** Members whose addresses are read from this book whenever somebody looks. */
  members(nodeIds: readonly NodeId[]): Member[] {
    const addressOf = (nodeId: NodeId) => this.#known.get(nodeId);
    return nodeIds.map((nodeId) => ({
      nodeId,
      get grpcEndpoint() {
        return addressOf(nodeId)?.grpcEndpoint ?? "";
      },
      get httpUrl() {
        return addressOf(nodeId)?.httpUrl ?? "";
      },
      voter: true,
    }));
  }

  /** Where clients reach a member; empty while it has not said. */
  addressesOf(nodeId: NodeId): ClientAddresses {
    return this.#known.get(nodeId) ?? { grpcEndpoint: "", httpUrl: "" };
  }

  learn(nodeId: NodeId, addresses: ClientAddresses): void {
    this.#known.set(nodeId, addresses);
  }
}

/** A transport that says this node's client addresses with every hello, and learns those of its peers. */
export function exchangeAddresses(
  transport: PeerTransport,
  book: AddressBook,
  own: () => ClientAddresses,
): PeerTransport {
  return {
    start: (handlers: PeerHandlers) =>
      transport.start({
        hello: () => wrapHello(own(), handlers.hello()),
        onHello(from, wrapped) {
          const opened = openHello(wrapped);
          if (opened === null) return "not a QuorumGuard peer: the first frame does not begin with its addresses";
          const unwelcome = handlers.onHello(from, opened.hello);
          if (unwelcome === null) book.learn(from, opened.addresses);
          return unwelcome;
        },
        onFrame: (from, frame) => handlers.onFrame(from, frame),
        onDown: (peer, refused) => handlers.onDown(peer, refused),
        onRefused: (peer, reason) => handlers.onRefused(peer, reason),
        onSnapshot: (from, head) => handlers.onSnapshot(from, head),
      }),
    addPeer: (peer, address) => transport.addPeer(peer, address),
    removePeer: (peer) => transport.removePeer(peer),
    send: (to, frame) => transport.send(to, frame),
    sendSnapshot: (to, head, source) => transport.sendSnapshot(to, head, source),
    close: () => transport.close(),
  };
}

/** `magic u32 · grpcBytes u16 · httpBytes u16 · grpc · http · hello`, little-endian. */
function wrapHello({ grpcEndpoint, httpUrl }: ClientAddresses, hello: Uint8Array): Uint8Array {
  const [grpc, http] = [Buffer.from(grpcEndpoint), Buffer.from(httpUrl)];
  const head = Buffer.alloc(8);
  head.writeUInt32LE(magic, 0);
  head.writeUInt16LE(grpc.length, 4);
  head.writeUInt16LE(http.length, 6);
  return Buffer.concat([head, grpc, http, hello]);
}

function openHello(wrapped: Uint8Array): { addresses: ClientAddresses; hello: Uint8Array } | null {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  if (bytes.length < 8 || bytes.readUInt32LE(0) !== magic) return null;
  const grpcEnd = 8 + bytes.readUInt16LE(4);
  const httpEnd = grpcEnd + bytes.readUInt16LE(6);
  if (httpEnd > bytes.length || httpEnd > 8 + 2 * maxAddressBytes) return null;
  const addresses = {
    grpcEndpoint: bytes.toString("utf8", 8, grpcEnd),
    httpUrl: bytes.toString("utf8", grpcEnd, httpEnd),
  };
  return { addresses, hello: wrapped.subarray(httpEnd) };
}

/** Refuses addresses that would not fit into a hello. @throws {InvalidField} when an address is too long to be one. */
export function checkAddresses(addresses: ClientAddresses): void {
  for (const [field, address] of Object.entries(addresses)) {
    if (Buffer.byteLength(address) > maxAddressBytes) {
      throw new InvalidField(`advertise.${field}`, address, `it must have at most ${maxAddressBytes} bytes`);
    }
  }
}
