import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { createGrpcCaller, type GrpcCaller } from "./grpc-caller.ts";

type Answer = Buffer | { readonly code: status; readonly details: string };

const path = "/bench.Fixture/Call";
const request = Buffer.from("of whom?");
const reply = Buffer.from("of the second");
const servers: Server[] = [];
let caller: GrpcCaller | undefined;

afterEach(() => {
  caller?.close();
  for (const server of servers.splice(0)) server.forceShutdown();
});

// What a Go server says if its clock ends an attempt before ours: 3.4 is the etcd of Debian 12.
test.each([
  ["etcd 3.4", { code: status.UNKNOWN, details: "context deadline exceeded" }],
  ["etcd from 3.5", { code: status.DEADLINE_EXCEEDED, details: "context deadline exceeded" }],
  ["a server that cancels", { code: status.CANCELLED, details: "context canceled" }],
  ["a server without a leader", { code: status.UNAVAILABLE, details: "etcdserver: no leader" }],
])("an attempt that %s ends goes on at the next address, and later calls stay there", async (_, ended) => {
  const [first, second] = [await serve(ended), await serve(reply)];
  caller = createGrpcCaller([first.endpoint, second.endpoint], path);
  expect(await caller.call(request)).toEqual(reply);
  expect(await caller.call(request)).toEqual(reply);
  expect([first.asked, second.asked]).toEqual([1, 2]);
});

test.each([
  { code: status.UNKNOWN, details: "a panic" },
  { code: status.INVALID_ARGUMENT, details: "etcdserver: key is not provided" },
])("what no other address would answer otherwise is the caller's: $details", async (failure) => {
  const [first, second] = [await serve(failure), await serve(reply)];
  caller = createGrpcCaller([first.endpoint, second.endpoint], path);
  await expect(caller.call(request)).rejects.toMatchObject(failure);
  expect([first.asked, second.asked]).toEqual([1, 0]);
});

test("an attempt without an answer is given up, and its call is not", async () => {
  const [first, second] = [await serve(null), await serve(reply)];
  caller = createGrpcCaller([first.endpoint, second.endpoint], path, 500);
  expect(await caller.call(request)).toEqual(reply);
  expect([first.asked, second.asked]).toEqual([1, 1]);
});

/** @param answer Null: never. */
async function serve(answer: Answer | null): Promise<{ readonly endpoint: string; asked: number }> {
  const server = new Server();
  servers.push(server);
  const bytes = (buffer: Buffer) => buffer;
  const method = {
    ...{ path, requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  };
  const served = { endpoint: "", asked: 0 };
  server.addService(
    { call: method },
    {
      call(_: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
        served.asked++;
        if (Buffer.isBuffer(answer)) callback(null, answer);
        else if (answer !== null) callback(answer);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  served.endpoint = `127.0.0.1:${port}`;
  return served;
}
