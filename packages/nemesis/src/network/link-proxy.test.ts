import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, expect, test } from "vitest";
import { passing } from "./direction.ts";
import { LinkProxy } from "./link-proxy.ts";

let target: Server;
let accepted: Socket[];
let link: LinkProxy;
let heard: string;

beforeEach(async () => {
  accepted = [];
  heard = "";
  target = createServer((socket) => {
    socket.on("error", () => {});
    accepted.push(socket);
    target.emit("accepted");
  }).listen(0, "127.0.0.1");
  await once(target, "listening");
  const [port = 0] = await freePorts(1);
  const tap = () => (chunk: Buffer) => {
    heard += chunk;
  };
  link = new LinkProxy({ port, targetPort: (target.address() as AddressInfo).port, tap });
  await link.open();
});

afterEach(() => {
  link.close();
  for (const socket of accepted) socket.destroy();
  target.close();
});

async function pair(): Promise<{ dialler: Socket; acceptor: Socket }> {
  const arrived = once(target, "accepted");
  const dialler = connect(link.port, "127.0.0.1");
  dialler.on("error", () => {});
  await arrived;
  return { dialler, acceptor: accepted.at(-1)! };
}

const next = async (socket: Socket) => String((await once(socket, "data"))[0]);
const closed = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

test("bytes pass both ways, and the tap hears those of the dialling side", async () => {
  const { dialler, acceptor } = await pair();
  dialler.write("hello");
  expect(await next(acceptor)).toBe("hello");
  acceptor.write("welcome");
  expect(await next(dialler)).toBe("welcome");
  expect(heard).toBe("hello");
});

test("what is held arrives when the direction passes again; the other direction is untouched", async () => {
  const { dialler, acceptor } = await pair();
  link.shape({ kind: "hold" }, passing);
  dialler.write("late");
  let early = "";
  acceptor.on("data", (chunk) => {
    early += chunk;
  });
  acceptor.write("there");
  expect(await next(dialler)).toBe("there");
  expect(early).toBe("");
  link.shape(passing, passing);
  await expect.poll(() => early).toBe("late");
});

test("what is dropped never arrives: the connection ends instead when the direction passes again", async () => {
  const { dialler, acceptor } = await pair();
  link.shape({ kind: "drop" }, passing);
  let got = "";
  acceptor.on("data", (chunk) => {
    got += chunk;
  });
  dialler.write("lost");
  await expect.poll(() => heard).toBe("lost");
  const ends = Promise.all([closed(dialler), closed(acceptor)]);
  link.shape(passing, passing);
  await ends;
  expect(got).toBe("");
});

test("what is delayed arrives later, in order", async () => {
  const { dialler, acceptor } = await pair();
  link.shape({ kind: "delay", ms: 40 }, passing);
  let got = "";
  acceptor.on("data", (chunk) => {
    got += chunk;
  });
  const beforeMs = performance.now();
  dialler.write("1");
  setImmediate(() => dialler.write("2"));
  await expect.poll(() => got, { interval: 2 }).toBe("12");
  // A timer may be a fraction of a millisecond early.
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(39);
});

test("a cut resets both ends; a link that refuses is as a dead process, until it is open again", async () => {
  const { dialler, acceptor } = await pair();
  const ends = Promise.all([closed(dialler), closed(acceptor)]);
  link.refuse();
  link.cut();
  await ends;
  expect(link.cuts).toBe(1);
  const [error] = await once(connect(link.port, "127.0.0.1"), "error");
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
  await link.open();
  await pair();
});

test("a link that is told to refuse before it listens refuses", async () => {
  link.refuse();
  const opening = link.open();
  link.refuse();
  await opening;
  expect((await once(connect(link.port, "127.0.0.1"), "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
  const again = link.open();
  link.refuse();
  await Promise.all([again, link.open()]);
  await pair();
});

test("the end of the target is the end of the dialler", async () => {
  const { dialler, acceptor } = await pair();
  const end = closed(dialler);
  acceptor.end("bye");
  expect(await next(dialler)).toBe("bye");
  await end;
});
