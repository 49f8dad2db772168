import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Client, ClientPlace } from "../client.ts";
import { createGrpcCaller } from "./grpc-caller.ts";

/** What a limiter on etcd has to store at least: a level and a time. */
const value = new Uint8Array(16).fill(1);

/** After a leader has ended, a follower goes on forwarding puts to it, and answers none of them for seconds. */
const putAttemptMs = 500;

/** Puts in a transaction. */
const transactionPuts = 64;

function putRequest(writer: BinaryWriter, key: string): BinaryWriter {
  return writer.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).bytes(value);
}

/** One key, one put: the least that a quorum-committed decision costs there. Nothing is read, so nothing is ever denied. */
export function openEtcdPuts({ endpoints }: ClientPlace): Client {
  const caller = createGrpcCaller(endpoints, "/etcdserverpb.KV/Put", putAttemptMs);
  return {
    decisionsPerCall: 1,
    call: (key) => caller.call(putRequest(new BinaryWriter(), key).finish()),
    outcomeOf: () => "allowed",
    close: async () => caller.close(),
  };
}

/** The same, {@link transactionPuts} puts by one commit. */
export function openEtcdTransactions({ endpoints }: ClientPlace): Client {
  const caller = createGrpcCaller(endpoints, "/etcdserverpb.KV/Txn");
  return {
    decisionsPerCall: transactionPuts,
    call(key) {
      const writer = new BinaryWriter();
      // TxnRequest.success, which is what runs if nothing is compared; of each RequestOp, request_put.
      for (let put = 0; put < transactionPuts; put++) {
        writer.tag(2, WireType.LengthDelimited).fork().tag(2, WireType.LengthDelimited).fork();
        putRequest(writer, `${key}/${put}`).join().join();
      }
      return caller.call(writer.finish());
    },
    outcomeOf: () => "allowed",
    close: async () => caller.close(),
  };
}
