import { connect, createServer, type Server, type Socket } from "node:net";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { confState, openForTest } from "../storage/storage.fixture.ts";
import type { SnapshotMeta, Storage } from "../storage/storage.ts";
import { TestDisk } from "../storage/test-disk.fixture.ts";
import type { SnapshotSource } from "../transport/peer-transport.ts";
import { createTcpTransport, type TcpTransport } from "../transport/tcp-transport.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";
import { createSystemClock } from "./system-clock.ts";

const snapshotPurpose = 3;
const clock = createSystemClock();

/** What the line does to the bytes that the sender of a snapshot sends: `sent` counts over the connection. */
type Line = (chunk: Buffer, sent: number, break_: () => void) => Buffer;

/** A proxy before the receiver; it leaves the connections of messages alone. */
class LineProxy {
  line: Line = (chunk) => chunk;
  /** What the receiver says back. */
  back: Line = (chunk) => chunk;
  connections = 0;
  bytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      const end = (): void => {
        near.destroy();
        far.destroy();
      };
      let isSnapshot: boolean | null = null;
      let sent = 0;
      let returned = 0;
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", end);
        socket.on("close", () => {
          this.#sockets.delete(socket);
          end();
        });
      }
      near.on("data", (chunk: Buffer) => {
        if (isSnapshot === null) {
          // The first frame's length, magic and version, then what the connection is for.
          isSnapshot = chunk[9] === snapshotPurpose;
          if (isSnapshot) this.connections += 1;
        }
        if (!isSnapshot) return void far.write(chunk);
        const passed = this.line(Buffer.from(chunk), sent, end);
        sent += chunk.length;
        this.bytes += chunk.length;
        if (!far.destroyed) far.write(passed);
      });
      far.on("data", (chunk: Buffer) => {
        const passed = isSnapshot ? this.back(Buffer.from(chunk), returned, end) : chunk;
        returned += chunk.length;
        if (!near.destroyed) near.write(passed);
      });
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", () => resolve()));
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const meta: SnapshotMeta = { index: 40, term: 3, confState };
const pieces = Array.from({ length: 24 }, (_, at) => Buffer.alloc(100_000, `piece ${at};`));

async function imageAt(donor: Storage, at: SnapshotMeta): Promise<void> {
  const writer = await donor.writeSnapshot(at);
  for (const piece of pieces) await writer.write(piece);
  await writer.commit();
}

/** As a node offers its newest snapshot. */
async function sourceOf(
  donor: Storage,
): Promise<SnapshotSource & { readonly close: () => Promise<void>; reads: number }> {
  const reader = await donor.openSnapshot();
  if (reader === null) throw new Error("there is no snapshot");
  const source = {
    bytes: reader.bytes,
    tag: await reader.read(reader.bytes - 20, 20),
    reads: 0,
    read(position: number, length: number): Promise<Uint8Array> {
      source.reads = Math.max(source.reads, position + length);
      return reader.read(position, length);
    },
    close: () => reader.close(),
  };
  return source;
}

let donor: Storage;
let follower: Storage;
let intake: SnapshotIntake;
let proxy: LineProxy;
let sender: TcpTransport;
let receiver: TcpTransport;
/** What the follower's node decides about an offer, and what it was offered. */
let wants: (index: number) => boolean;
let offers: number[];
let taken: number[];
let hold: Promise<void> | null;
let log: string[];

beforeEach(async () => {
  donor = await openForTest(new TestDisk());
  follower = await openForTest(new TestDisk());
  await imageAt(donor, meta);
  const failed = (error: Error): void => {
    throw error;
  };
  intake = new SnapshotIntake({ clock, failed });
  [wants, offers, taken, hold, log] = [() => true, [], [], null, []];
  const [senderPort = 0, receiverPort = 0, proxyPort = 0] = await freePorts(3);
  proxy = new LineProxy(receiverPort);
  await proxy.listen(proxyPort);
  const handlers = {
    hello: () => new Uint8Array(1),
    onHello: () => null,
    onFrame: () => {},
    onDown: () => {},
    onRefused: () => {},
    onSnapshot: async () => null,
  };
  const common = { clock, log: (_level: string, event: string) => void log.push(event) };
  const host = "127.0.0.1";
  sender = createTcpTransport({
    ...common,
    nodeId: 1,
    listen: { host, port: senderPort },
    peers: [{ nodeId: 2, host, port: proxyPort }],
  });
  receiver = createTcpTransport({
    ...common,
    nodeId: 2,
    listen: { host, port: receiverPort },
    peers: [{ nodeId: 1, host, port: senderPort }],
  });
  await receiver.start({
    ...handlers,
    onSnapshot: async (from, head, image) => {
      const index = Number(Buffer.from(head).toString());
      offers.push(index);
      if (!wants(index)) return null;
      const at = { ...meta, index };
      const key = `${from} ${index} ${Buffer.from(image?.tag ?? []).toString("hex")}`;
      const sink = await intake.begin(
        key,
        () => follower.receiveSnapshot(at),
        async () => {
          taken.push(index);
          return true;
        },
      );
      return {
        ...sink,
        write: async (piece) => {
          await hold;
          await sink.write(piece);
        },
      };
    },
  });
  await sender.start(handlers);
});

afterEach(async () => {
  await Promise.all([sender.close(), receiver.close(), proxy.close()]);
});

function send(source: SnapshotSource, index = meta.index): Promise<boolean> {
  return sender.sendSnapshot(2, Buffer.from(String(index)), source);
}

/** The follower switches to what it received, and has every byte of it. */
async function checkReceived(at: SnapshotMeta = meta): Promise<void> {
  await new Promise<void>((resolve) => {
    follower.append({ hardState: { term: 3, vote: 0, commit: at.index }, entries: [], snapshot: at }, resolve);
  });
  const reader = await follower.openSnapshot();
  const found: Buffer[] = [];
  for await (const piece of reader?.pieces() ?? []) found.push(Buffer.from(piece));
  await reader?.close();
  expect(Buffer.concat(found).equals(Buffer.concat(pieces))).toBe(true);
}

describe("a snapshot over a line", () => {
  test("that breaks again and again is gone on with where it broke", async () => {
    const source = await sourceOf(donor);
    let breaks = 0;
    proxy.line = (chunk, sent, break_) => {
      if (sent + chunk.length < 700_000 || breaks === 3) return chunk;
      breaks += 1;
      break_();
      return chunk.subarray(0, 0);
    };
    expect(await send(source)).toBe(true);
    expect([breaks, proxy.connections, taken]).toEqual([3, 4, [meta.index]]);
    // Had it begun anew each time, it would have been sent almost twice.
    expect(proxy.bytes).toBeLessThan(source.bytes + 3 * 1_400_000);
    expect(log.filter((event) => event === "snapshot-interrupted")).toHaveLength(3);
    await checkReceived();
  });

  test("is asked again for the chunk that the line damaged, and for no other", async () => {
    const source = await sourceOf(donor);
    let damaged = 0;
    proxy.line = (chunk, sent) => {
      for (const at of [300_000, 900_000, 1_700_000]) {
        if (sent <= at && sent + chunk.length > at) {
          chunk[at - sent] = (chunk[at - sent] ?? 0) ^ 0x10;
          damaged += 1;
        }
      }
      return chunk;
    };
    expect(await send(source)).toBe(true);
    expect([damaged, proxy.connections]).toEqual([3, 1]);
    // At most a window is sent again each time.
    expect(proxy.bytes).toBeLessThan(source.bytes + 3 * 1_200_000);
    await checkReceived();
  });

  test("that damages everything is given up, and the receiver has not taken a byte of it for whole", async () => {
    proxy.line = (chunk, sent) => {
      if (sent > 1_000) for (let at = 5; at < chunk.length; at += 1_000) chunk[at] = (chunk[at] ?? 0) ^ 1;
      return chunk;
    };
    expect(await send(await sourceOf(donor))).toBe(false);
    expect(taken).toEqual([]);
    proxy.line = (chunk) => chunk;
    expect(await send(await sourceOf(donor))).toBe(true);
    await checkReceived();
  });

  test("waits for the receiver's disk: no more than a window of it is ever on its way", async () => {
    let release: () => void = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const source = await sourceOf(donor);
    const sending = send(source);
    await expect.poll(() => source.reads, { timeout: 60_000 }).toBe(4 * 262_144);
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.reads).toBe(4 * 262_144);
    release();
    expect(await sending).toBe(true);
  });

  test("F5: whose last word is lost wedges nobody: offered again, it is answered at once", async () => {
    proxy.back = (chunk, _returned, break_) => {
      // 4 says that all of it was taken.
      if (!chunk.includes(Buffer.from([1, 0, 0, 0, 4]))) return chunk;
      wants = (index) => index > meta.index;
      break_();
      return chunk.subarray(0, 0);
    };
    expect(await send(await sourceOf(donor))).toBe(false);
    expect([offers, taken]).toEqual([[meta.index, meta.index], [meta.index]]);
    await checkReceived();
  });
});

describe("half a snapshot", () => {
  /** Sends until `bytes` are through, and then never again. */
  async function sendHalf(bytes: number): Promise<void> {
    proxy.line = (chunk, sent, break_) => {
      if (sent + chunk.length < bytes) return chunk;
      break_();
      return chunk.subarray(0, 0);
    };
    wants = () => offers.length < 2;
    expect(await send(await sourceOf(donor))).toBe(false);
    wants = () => true;
    proxy.line = (chunk) => chunk;
    proxy.bytes = 0;
  }

  test("is kept for the sender's next report, much later", async () => {
    await sendHalf(1_500_000);
    const source = await sourceOf(donor);
    expect(await send(source)).toBe(true);
    expect(proxy.bytes).toBeLessThan(source.bytes - 700_000);
    await checkReceived();
  });

  test("makes room for another image: the sender's was replaced meanwhile", async () => {
    const old = await sourceOf(donor);
    await sendHalf(1_500_000);
    const newer = { ...meta, index: 55 };
    await imageAt(donor, newer);
    // The one that was replaced can be read to its end as long as it is open.
    const source = await sourceOf(donor);
    expect(await send(source, 55)).toBe(true);
    expect(proxy.bytes).toBeGreaterThan(source.bytes);
    expect(taken).toEqual([55]);
    await checkReceived(newer);
    expect((await old.read(0, 8)).length).toBe(8);
    await old.close();
  });

  test("is forgotten by a receiver that restarts, which then takes the whole", async () => {
    await sendHalf(1_500_000);
    intake = new SnapshotIntake({ clock, failed: () => {} });
    const source = await sourceOf(donor);
    expect(await send(source)).toBe(true);
    expect(proxy.bytes).toBeGreaterThan(source.bytes);
    await checkReceived();
  });

  test("is never written to by two connections: the later one goes on, and the earlier one is told", async () => {
    const first = await intake.begin(
      "k",
      () => follower.receiveSnapshot(meta),
      async () => true,
    );
    await first.write(pieces[0]!);
    const second = await intake.begin(
      "k",
      () => follower.receiveSnapshot(meta),
      async () => true,
    );
    expect(second.position).toBe(100_000);
    await expect(first.write(pieces[1]!)).rejects.toThrow("another connection goes on with this snapshot");
    await expect(first.finish()).rejects.toThrow("another connection");
    first.suspend?.();
    await second.write(pieces[1]!);
    // It is no snapshot, and is found out as a whole.
    await expect(second.finish()).rejects.toThrow("this is not a snapshot");
  });
});
