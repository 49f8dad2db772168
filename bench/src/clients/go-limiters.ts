import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Client, ClientPlace, Rule } from "../client.ts";
import { createGrpcCaller } from "./grpc-caller.ts";

/** A field of a message, by its number; undefined: it is not there, which stands for 0 and for the empty message. */
function varintField(message: Uint8Array, number: number): number | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.Varint) return Number(reader.int64());
    reader.skip(type);
  }
  return undefined;
}

function bytesField(message: Uint8Array, number: number): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) return reader.bytes();
    reader.skip(type);
  }
  return undefined;
}

/** What Gubernator is asked: a list of one limit, of which one token is taken. */
export function gubernatorRequest(key: string, { limit, windowMs }: Rule): Uint8Array {
  const request = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
  request.tag(1, WireType.LengthDelimited).string("bench").tag(2, WireType.LengthDelimited).string(key);
  request.tag(3, WireType.Varint).int64(1).tag(4, WireType.Varint).int64(limit);
  request.tag(5, WireType.Varint).int64(windowMs);
  return request.join().finish();
}

/** Gubernator's `GetRateLimits` with one limit in each call; the daemon gathers calls to its peers by itself. */
export function openGubernator({ endpoints, rule }: ClientPlace): Client<Buffer> {
  const caller = createGrpcCaller(endpoints, "/pb.gubernator.V1/GetRateLimits");
  const [under, over] = [0, 1];
  return {
    decisionsPerCall: 1,
    call: (key) => caller.call(gubernatorRequest(key, rule)),
    outcomeOf(answer) {
      const reply = bytesField(answer, 1) ?? new Uint8Array();
      const error = bytesField(reply, 5);
      if (error !== undefined) throw new Error(new TextDecoder().decode(error));
      return (varintField(reply, 1) ?? under) === over ? "denied" : "allowed";
    },
    close: async () => caller.close(),
  };
}

/** The longest window that Gopher-Guard's message can tell: 24 days. */
const longestWindowMs = 2 ** 31 - 1;

/** What Gopher-Guard is asked; of a longer window than it can be told, the longest that it can. */
export function gopherGuardRequest(key: string, { limit, windowMs }: Rule): Uint8Array {
  const request = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key);
  request.tag(2, WireType.Varint).int32(limit);
  request.tag(3, WireType.Varint).int32(Math.min(windowMs, longestWindowMs));
  return request.finish();
}

/** Gopher-Guard's `Check`, asked of the node that leads: the others refuse. */
export function openGopherGuard({ endpoints, rule }: ClientPlace): Client<Buffer> {
  const caller = createGrpcCaller(endpoints.slice(0, 1), "/limiter.RateLimiter/Check");
  return {
    decisionsPerCall: 1,
    call: (key) => caller.call(gopherGuardRequest(key, rule)),
    outcomeOf: (reply) => (varintField(reply, 1) === 1 ? "allowed" : "denied"),
    close: async () => caller.close(),
  };
}
