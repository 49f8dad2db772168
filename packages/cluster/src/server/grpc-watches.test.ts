import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Client, type ClientReadableStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createAdminHandlers } from "./admin-handlers.ts";
import { createClusterHandlers } from "./cluster-handlers.ts";
import { type GrpcListener, startGrpcServer } from "./grpc-server.ts";
import { createPolicyHandlers } from "./policy-handlers.ts";
import { createScriptedNode } from "./scripted-node.fixture.ts";
import { createGuardHandlers } from "./unary-handlers.ts";

let listener: GrpcListener;
let client: Client;

beforeEach(async () => {
  const node = createScriptedNode();
  listener = await startGrpcServer({
    node,
    guard: createGuardHandlers(node),
    cluster: createClusterHandlers(node, "0.0.0-test"),
    policies: createPolicyHandlers(node),
    admin: createAdminHandlers(node),
    session: {},
    log: () => {},
    host: "127.0.0.1",
    port: 0,
    tls: null,
    access: null,
    maxStreams: 2,
    maxConnections: 3,
  });
  client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await listener.close(0);
});

const health = "/grpc.health.v1.Health/Watch";
const topology = "/quorumguard.v1.ClusterService/WatchTopology";

function watch(path: string): ClientReadableStream<Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  const stream = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0));
  stream.on("error", () => {});
  return stream;
}

it.each([
  [health, topology],
  [topology, health],
])("%s beyond maxStreams is refused until one ends, and takes no place of %s", async (path, other) => {
  const open = [watch(path), watch(path), watch(other)];
  for (const stream of open) await once(stream, "data");
  const [{ code, details }] = (await once(watch(path).resume(), "error")) as [ServiceError];
  expect([code, details]).toEqual([status.RESOURCE_EXHAUSTED, "2 watches are open, the most there may be"]);
  open[0]!.cancel();
  await vi.waitFor(() => once(watch(path), "data"), { timeout: 60_000 });
});

it("a connection beyond maxConnections is closed until one ends", async () => {
  const { port } = listener;
  const closed = (socket: Socket) => once(socket.on("error", () => {}).resume(), "close");
  const open = Array.from({ length: 3 }, () => connect(port, "127.0.0.1"));
  for (const socket of open) await once(socket, "data");
  const another = async () => {
    const socket = connect(port, "127.0.0.1");
    const came = once(socket, "data").then(() => "greeted");
    const became = await Promise.race([came, closed(socket).then(() => "closed")]);
    socket.destroy();
    return became;
  };
  expect(await another()).toBe("closed");
  open[0]!.destroy();
  await vi.waitFor(async () => expect(await another()).toBe("greeted"), { timeout: 60_000 });
  for (const socket of open) socket.destroy();
});
