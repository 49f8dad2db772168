import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Link } from "./link.ts";

const host = "127.0.0.1";
let link: Link;
let target: Server;
let accepted: Promise<Socket>;
const dialled: Socket[] = [];

beforeEach(async () => {
  link = new Link();
  await link.open();
  target = createServer((socket) => socket.on("error", () => {})).listen(0, host);
  await once(target, "listening");
  accepted = once(target, "connection").then(([socket]) => socket as Socket);
});
afterEach(async () => {
  for (const socket of dialled.splice(0)) socket.destroy();
  await link.close();
  target.close();
});

function dial(): Socket {
  const socket = connect({ host, port: link.port });
  socket.on("error", () => {});
  dialled.push(socket);
  return socket;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
/** Once it is closed, be it by a reset. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));
const text = async (socket: Socket): Promise<string> => String((await once(socket, "data"))[0]);

it("what was sent before the target is known arrives, and so do the answer and the end", async () => {
  const dialler = dial();
  dialler.end("question");
  link.leadTo(portOf(target));
  const socket = await accepted;
  expect(await text(socket)).toBe("question");
  socket.end("answer");
  expect(await text(dialler)).toBe("answer");
  await once(dialler, "close");
});

it("what is sent while it is held arrives afterwards, in order", async () => {
  link.leadTo(portOf(target));
  const dialler = dial();
  dialler.write("1");
  const socket = await accepted;
  expect(await text(socket)).toBe("1");
  link.held = true;
  dialler.write("2");
  const behind = dial();
  const next = once(target, "connection");
  behind.write("behind");
  // Both have left the diallers, and both are still on the link.
  await once(behind, "connect");
  expect(socket.bytesRead).toBe(1);
  link.held = false;
  expect(await text(socket)).toBe("2");
  expect(await text((await next)[0] as Socket)).toBe("behind");
});

it("closed it resets its connections and refuses others, until it opens on the same port", async () => {
  const { port } = link;
  link.leadTo(portOf(target));
  const dialler = dial();
  const socket = await accepted;
  const ends = Promise.all([closed(dialler), closed(socket)]);
  await link.close();
  await ends;
  const [refused] = await once(dial(), "error");
  expect(refused).toMatchObject({ code: "ECONNREFUSED" });
  await link.open();
  expect(link.port).toBe(port);
});

it("waits for its port, if somebody has taken it meanwhile", async () => {
  const { port } = link;
  await link.close();
  const other = createServer().listen(port, host);
  await once(other, "listening");
  const opened = link.open();
  await new Promise((resolve) => setImmediate(resolve));
  other.close();
  await opened;
  expect(link.port).toBe(port);
});
