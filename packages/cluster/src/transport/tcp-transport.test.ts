import { connect, createServer, type Socket } from "node:net";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, describe, expect, test } from "vitest";
import { createSystemClock } from "../node/system-clock.ts";
import { TestAuthority } from "../server/certificates.fixture.ts";
import { FrameReader, writeFrame } from "./framing.ts";
import type { PeerHandlers, SnapshotSink } from "./peer-transport.ts";
import { encodeAnswer, encodePreface, Purpose } from "./preface.ts";
import type { PeerCertificates } from "./tcp-options.ts";
import { createTcpTransport, type TcpTransport } from "./tcp-transport.ts";

interface Seen {
  readonly hellos: string[];
  readonly frames: string[];
  readonly downs: [number, boolean][];
  readonly refusals: [number, string][];
}

interface Peer {
  readonly transport: TcpTransport;
  readonly seen: Seen;
  readonly log: string[];
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((item) => item.close()));
});

async function start(
  nodeId: number,
  ports: readonly number[],
  overrides: Partial<PeerHandlers> = {},
  tls?: PeerCertificates,
  clock = createSystemClock(),
): Promise<Peer> {
  const seen: Seen = { hellos: [], frames: [], downs: [], refusals: [] };
  const log: string[] = [];
  const peers = ports.map((port, i) => ({ nodeId: i + 1, host: "127.0.0.1", port }));
  const transport = createTcpTransport({
    nodeId,
    listen: peers[nodeId - 1]!,
    peers: peers.filter((peer) => peer.nodeId !== nodeId),
    maxFrameBytes: 1_048_576,
    clock,
    ...(tls === undefined ? {} : { tls }),
    log: (_level, event, fields) => log.push(`${event} ${JSON.stringify(fields)}`),
  });
  open.push(transport);
  await transport.start({
    hello: () => Buffer.from(`hello from ${nodeId}`),
    onHello: (from, hello) => {
      seen.hellos.push(`${from}: ${text(hello)}`);
      return null;
    },
    onFrame: (from, frame) => void seen.frames.push(`${from}: ${text(frame)}`),
    onDown: (peer, refused) => void seen.downs.push([peer, refused]),
    onRefused: (peer, reason) => void seen.refusals.push([peer, reason]),
    onSnapshot: async () => null,
    ...overrides,
  });
  return { transport, seen, log };
}

const until = (probe: () => boolean) => expect.poll(probe, { timeout: 60_000, interval: 2 }).toBe(true);

/** Sends until something arrives: frames before the hello was answered are dropped by design. */
async function connected(a: Peer, to: number, b: Peer): Promise<void> {
  await until(() => {
    a.transport.send(to, Buffer.from("ping"));
    return b.seen.frames.length > 0;
  });
  b.seen.frames.length = 0;
}

describe("peers over TCP", () => {
  test("say hello first, and keep frames whole and in order whatever their size", async () => {
    const ports = await freePorts(2);
    const a = await start(1, ports);
    const b = await start(2, ports);
    await connected(a, 2, b);
    expect(b.seen.hellos[0]).toBe("1: hello from 1");
    const sizes = [1, 10, 16_384, 16_385, 70_000, 1_048_576, 3];
    for (const [i, size] of sizes.entries()) a.transport.send(2, Buffer.alloc(size, 97 + i));
    await until(() => b.seen.frames.filter((frame) => !frame.endsWith("ping")).length === sizes.length);
    const got = b.seen.frames.filter((frame) => !frame.endsWith("ping"));
    expect(got.map((frame) => [frame.length - 3, frame.at(-1)])).toEqual(
      sizes.map((size, i) => [size, String.fromCharCode(97 + i)]),
    );
  });

  test("a closed peer is down, and its refused redial proves it dead", async () => {
    const ports = await freePorts(2);
    const a = await start(1, ports);
    const b = await start(2, ports);
    await connected(a, 2, b);
    await b.transport.close();
    await until(() => a.seen.downs.length === 2);
    expect(a.seen.downs).toEqual([
      [2, false],
      [2, true],
    ]);
    const again = await start(2, ports);
    await connected(a, 2, again);
    expect(a.seen.downs).toHaveLength(2);
  });

  test("a peer whose listener outlives its connections by a moment is proven dead all the same, without a pause", async () => {
    const ports = await freePorts(2);
    const dying: Socket[] = [];
    let accepted = 0;
    const server = createServer((socket) => {
      socket.on("error", () => {});
      accepted += 1;
      if (accepted > 1) {
        // What the kernel does to a connection that nobody of a dead process has accepted.
        server.close();
        socket.resetAndDestroy();
        return;
      }
      dying.push(socket);
      socket.once("data", () => writeFrame(socket, encodeAnswer(null)));
    }).listen(ports[1]);
    open.push({ close: async () => void server.close() });
    // No timer of its ever fires.
    const a = await start(1, ports, {}, undefined, { ...createSystemClock(), setTimer: () => () => {} });
    await until(() => a.log.some((line) => line.startsWith("peer-connected")));
    dying[0]!.resetAndDestroy();
    await until(() => a.seen.downs.length === 2);
    expect(a.seen.downs).toEqual([
      [2, false],
      [2, true],
    ]);
    expect(accepted).toBe(2);
  });

  test("a hello that is not welcome is answered with the reason", async () => {
    const ports = await freePorts(2);
    const a = await start(1, ports);
    await start(2, ports, { onHello: () => "another cluster" });
    await until(() => a.log.some((line) => line.startsWith("peer-refuses") && line.includes("another cluster")));
  });

  test("garbage, a frame of announced excess and a throwing handler close the connection, with a logged reason", async () => {
    const ports = await freePorts(2);
    const a = await start(1, ports, {
      onFrame: () => {
        throw new Error("not an envelope");
      },
    });
    const closed = (bytes: (socket: Socket) => void) =>
      new Promise<void>((resolve) => {
        const socket = connect(ports[0]!, "127.0.0.1", () => bytes(socket));
        socket.on("error", () => {});
        socket.on("data", () => {});
        socket.once("close", () => resolve());
      });
    await closed((socket) => socket.write("HELO somebody\r\n"));
    await closed((socket) => writeFrame(socket, Buffer.from("garbage")));
    await closed((socket) => {
      writeFrame(socket, encodePreface(Purpose.messages, 2, Buffer.from("hello")));
      writeFrame(socket, Buffer.from("x"));
    });
    const reasons = a.log.filter((line) => line.startsWith("peer-connection-closed"));
    expect(reasons).toHaveLength(3);
    expect(reasons[0]).toContain("at most 1048576 are allowed");
    expect(reasons[1]).toContain("not a QuorumGuard peer");
    expect(reasons[2]).toContain("not an envelope");
  });

  test("whoever speaks HTTP is told which port this is", async () => {
    const [port] = await freePorts(1);
    await start(1, [port!]);
    for (const first of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: node\r\n\r\n"]) {
      const socket = connect(port!, "127.0.0.1").setEncoding("utf8");
      socket.write(first);
      let answer = "";
      for await (const chunk of socket) answer += chunk;
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*peer port of a QuorumGuard node/s);
    }
  });

  test("a snapshot travels apart, in order, and says whether it was taken", async () => {
    const ports = await freePorts(2);
    const image = Buffer.alloc(3_000_000, "0123456789");
    const got: Buffer[] = [];
    let aborted = false;
    const sink: SnapshotSink = {
      async write(piece) {
        await new Promise((resolve) => setImmediate(resolve));
        got.push(Buffer.from(piece));
      },
      finish: async () => true,
      abort: () => {
        aborted = true;
      },
    };
    const a = await start(1, ports);
    await start(2, ports, { onSnapshot: async (_from, head) => (text(head) === "wanted" ? sink : null) });
    const source = {
      bytes: image.length,
      read: async (position: number, length: number) => image.subarray(position, position + length),
    };
    expect(await a.transport.sendSnapshot(2, Buffer.from("wanted"), source)).toBe(true);
    expect(Buffer.concat(got).equals(image)).toBe(true);
    expect(await a.transport.sendSnapshot(2, Buffer.from("unwanted"), source)).toBe(false);
    const failing = { bytes: 2_000_000, read: async () => Promise.reject(new Error("disk")) };
    expect(await a.transport.sendSnapshot(2, Buffer.from("wanted"), failing)).toBe(false);
    await until(() => aborted);
  });
});

describe("mutual TLS", () => {
  const authority = new TestAuthority("peers of a test");
  const certificates = (name: string, by = authority): PeerCertificates => ({ ca: authority.ca, ...by.issue(name) });

  test("carries frames and snapshots between holders of certificates of the cluster's authority", async () => {
    const ports = await freePorts(2);
    const got: Uint8Array[] = [];
    const sink: SnapshotSink = { write: async (piece) => void got.push(piece), finish: async () => true, abort() {} };
    const a = await start(1, ports, {}, certificates("node-1"));
    const b = await start(2, ports, { onSnapshot: async () => sink }, certificates("node-2"));
    await connected(a, 2, b);
    const source = { bytes: 700_000, read: async (_position: number, length: number) => Buffer.alloc(length, "x") };
    expect(await a.transport.sendSnapshot(2, Buffer.from("head"), source)).toBe(true);
    expect(got.reduce((sum, piece) => sum + piece.length, 0)).toBe(700_000);
  });

  test("turns away a certificate of another authority, and plain connections", async () => {
    const ports = await freePorts(3);
    const a = await start(1, ports, {}, certificates("node-1"));
    await start(2, ports, {}, certificates("node-2", new TestAuthority("strangers")));
    await start(3, ports);
    await until(() => a.log.filter((line) => line.startsWith("peer-handshake-failed")).length > 2);
    expect(a.seen.hellos).toEqual([]);
  });
});

describe("frames", () => {
  test("come out the same however the stream is cut", () => {
    const frames = [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(300, "b"), Buffer.alloc(5, "c")];
    const stream = Buffer.concat(
      frames.map((frame) => {
        const header = Buffer.alloc(4);
        header.writeUInt32LE(frame.length);
        return Buffer.concat([header, frame]);
      }),
    );
    for (let step = 1; step <= stream.length; step++) {
      const reader = new FrameReader(1_000);
      const got: string[] = [];
      for (let at = 0; at < stream.length; at += step) {
        reader.push(stream.subarray(at, at + step), (frame) => {
          got.push(text(frame));
          return true;
        });
      }
      expect(got).toEqual(frames.map(text));
    }
  });
});
