import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { limiterOwners, Rooms } from "./rooms.ts";
import { type CallFrame, type CpuProfile, selfTimes } from "./self-times.ts";
import { shares } from "./shares.ts";
import { between, readPeerTimes, readThreadTimes } from "./thread-times.ts";

const frame = (functionName: string, url = "", lineNumber = 0): CallFrame => ({
  ...{ functionName, url, lineNumber, columnNumber: 0 },
});
const limiter = frame("apply", "file:///somewhere/packages/limiter/src/limiter.ts");
const idle = frame("(idle)");
const native = frame("(program)");
/** From 1,000 on: idle for 100 µs, limiter for 300, native for 100, limiter for 500. */
const profile: CpuProfile = {
  nodes: [idle, limiter, native].map((callFrame, id) => ({ id, callFrame })),
  ...{ startTime: 1_000, endTime: 2_000, samples: [0, 1, 2, 1], timeDeltas: [0, 100, 300, 100] },
};

it("a sample lasts until the next one, the last one to the end", () => {
  expect(selfTimes(profile, 0, 9_999)).toEqual(
    new Map([
      [idle, 100],
      [limiter, 800],
      [native, 100],
    ]),
  );
});

it("only what is inside the stretch counts", () => {
  expect(selfTimes(profile, 1_050, 1_450)).toEqual(
    new Map([
      [idle, 50],
      [limiter, 300],
      [native, 50],
    ]),
  );
});

it("shares are of what the main thread was busy with; the kernel says how long that was, and what other threads had", () => {
  const times = { mainUs: 90, otherUs: { "threads that write to disk": 10 } };
  const told = shares({ profile, times }, new Rooms(), { fromUs: 0, toUs: 9_999, decisions: 2 });
  expect(told.get("limiter")).toBeCloseTo(40, 9);
  expect(told.get("native code, and the kernel")).toBeCloseTo(5, 9);
  expect(told.get("threads that write to disk")).toBeCloseTo(5, 9);
  expect(told.has("idle")).toBe(false);
});

it("a stretch without a busy sample has no shares", () => {
  const stretch = { fromUs: 1_000, toUs: 1_100, decisions: 1 };
  expect(() => shares({ profile, times: { mainUs: 1, otherUs: {} } }, new Rooms(), stretch)).toThrow("no sample");
});

it("who has no profile is told by what the kernel counted alone", () => {
  const times = { mainUs: 0, otherUs: { "the peer's own code": 30, "the kernel, for the peer": 10 } };
  const told = shares({ profile: null, times }, new Rooms(), { fromUs: 0, toUs: 1, decisions: 10 });
  expect([...told]).toEqual([
    ["the peer's own code", 3],
    ["the kernel, for the peer", 1],
  ]);
});

it("where there is only the limiter, its parts are told apart; of a file that does several things by the function", () => {
  const rooms = new Rooms(limiterOwners);
  const of = (name: string, file: string) => rooms.of(frame(name, `file:///a/packages/limiter/src/${file}.ts`));
  expect(of("find", "keys/key-table")).toBe("index and blocks of keys");
  expect(of("prefetch", "keys/key-table")).toBe("fetching ahead what comes next");
  expect(of("run", "keys/sweep")).toBe("looking for what has expired");
  expect(of("#readDoomed", "keys/sweep")).toBe("fetching ahead what comes next");
  expect(of("sweep", "exactly-once/sessions")).toBe("sessions, each call exactly once");
  expect(of("apply", "limiter")).toBe("limiter");
});

it("whose a function is, by its path; of a bundle by its source map", () => {
  const rooms = new Rooms();
  expect(rooms.of(frame("read", "node:internal/stream"))).toBe("Node.js, its JavaScript");
  expect(rooms.of(frame("f", "file:///a/node_modules/@grpc/grpc-js/build/src/call.js"))).toBe("grpc-js");
  expect(rooms.of(frame("f", "file:///a/node_modules/ioredis/built/index.js"))).toBe("other libraries");
  expect(rooms.of(frame("f", "file:///a/packages/cluster/src/storage/log-writer.ts"))).toBe("log on disk");
  expect(rooms.of(frame("f", "file:///a/packages/sdk-core/src/session/link.ts"))).toBe("SDK");
  expect(rooms.of(frame("f", "wasm://wasm/1"))).toBe("native code, and the kernel");
  const folder = mkdtempSync(join(tmpdir(), "rooms-"));
  const bundle = join(folder, "chunk.js");
  // Its second line is the first of a file of Raft's.
  const map = { version: 3, sources: ["../packages/raft/src/core/raft.ts"], names: [], mappings: ";AAAA" };
  writeFileSync(`${bundle}.map`, JSON.stringify(map));
  expect(rooms.of(frame("step", pathToFileURL(bundle).href, 1))).toBe("Raft");
});

it("what threads took between two readings, by what they are for", async () => {
  const before = { mainUs: 10, otherUs: { "other threads": 5 } };
  const after = { mainUs: 30, otherUs: { "other threads": 9, "threads that write to disk": 2 } };
  expect(between(before, after)).toEqual({
    mainUs: 20,
    otherUs: { "other threads": 4, "threads that write to disk": 2 },
  });
  const own = await readThreadTimes(process.pid);
  expect(own.mainUs).toBeGreaterThan(0);
  expect(Object.keys(own.otherUs).length).toBeGreaterThan(0);
});

it("a peer's processes together: their own code, and the kernel's for them", async () => {
  const before = await readPeerTimes([process.pid]);
  const { user, system } = process.cpuUsage();
  const after = await readPeerTimes([process.pid, process.pid]);
  const told = (times: typeof before) => Object.values(times.otherUs).reduce((sum, us) => sum + us, 0);
  expect(told(before)).toBeGreaterThan(0);
  // It is counted in hundredths of a second, each of the two parts.
  expect(told(before)).toBeLessThanOrEqual(user + system + 20_000);
  expect(told(after)).toBeGreaterThanOrEqual(2 * told(before));
});
